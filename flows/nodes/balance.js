"use strict";
const { gatewayOf, onInput, setting, well } = require("../lib/node.js");

/** The balance of a household or of the village: now, of a day, and by quarter hours. */
module.exports = (RED) => {
  function FieldwattBalance(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    onInput(this, async (msg) => {
      const of = encodeURIComponent(setting(config.of, msg.of) || "village");
      const payload = await client.call(
        "GET",
        `/balance/${of}${msg.day ? `?day=${encodeURIComponent(msg.day)}` : ""}`,
      );
      well(this, `${payload.of} ${payload.day}`);
      return { ...msg, payload };
    });
  }
  RED.nodes.registerType("fieldwatt-balance", FieldwattBalance);
};
