"use strict";
const { gatewayOf, onInput, setting, well, word } = require("../lib/node.js");

/** The newest advice on a member's fields; null where there is none. */
module.exports = (RED) => {
  function FieldwattAdvice(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    onInput(this, async (msg) => {
      const { member, advice } = await client.call(
        "GET",
        `/advice/${encodeURIComponent(setting(config.member, msg.member))}`,
      );
      well(this, advice ? `${member} ${advice.day}` : word(RED, "status.noAdvice"));
      return { ...msg, member, payload: advice };
    });
  }
  RED.nodes.registerType("fieldwatt-advice", FieldwattAdvice);
};
