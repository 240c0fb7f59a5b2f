"use strict";
const { gatewayOf, onInput, setting, well, bad, word } = require("../lib/node.js");

/** Hands a summary to the gate: it leaves by policy and consent alone, and the second output says why it does not. */
module.exports = (RED) => {
  function FieldwattSummary(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    onInput(this, async (msg) => {
      const summary = { member: setting(config.member, msg.member), ...msg.payload };
      const decision = await client.call("POST", "/summaries", summary);
      const isReleased = decision.decision === "release";
      (isReleased ? well : bad)(this, isReleased ? word(RED, "status.released") : decision.because);
      const out = { ...msg, payload: decision };
      return isReleased ? [out, null] : [null, out];
    });
  }
  RED.nodes.registerType("fieldwatt-summary", FieldwattSummary);
};
