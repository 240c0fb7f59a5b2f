"use strict";
const { gatewayOf, onInput, setting, well } = require("../lib/node.js");

/** For each member that the token may see; asked one after another, so that the gateway reads meters in between. */
const EVERY_MEMBER = "members";
const VILLAGE = "village";

/** The balance of a household, of every household, or of the village: now, of a day, and by quarter hours. */
module.exports = (RED) => {
  function FieldwattBalance(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    const balanceOf = (one, day) =>
      client.call(
        "GET",
        `/balance/${encodeURIComponent(one)}${day ? `?day=${encodeURIComponent(day)}` : ""}`,
      );
    onInput(this, async (msg) => {
      const of = setting(config.of, msg.of) || VILLAGE;
      if (of !== EVERY_MEMBER) {
        const payload = await balanceOf(of, msg.day);
        well(this, `${payload.of} ${payload.day}`);
        return { ...msg, payload };
      }
      const { members } = await client.call("GET", "/about");
      const all = [];
      for (const member of members.filter((one) => one !== VILLAGE))
        all.push({ ...msg, member, payload: await balanceOf(member, msg.day) });
      well(this, `${of}: ${all.length}`);
      return [all];
    });
  }
  RED.nodes.registerType("fieldwatt-balance", FieldwattBalance);
};
