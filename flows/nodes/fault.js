"use strict";
const { gatewayOf, onInput, setting, well } = require("../lib/node.js");

/** For testers: a simulated device fails for a while. */
module.exports = (RED) => {
  function FieldwattFault(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    onInput(this, async (msg) => {
      const fault = setting(config.fault, msg.fault || msg.payload);
      const seconds = Number(setting(config.seconds, msg.seconds)) || 60;
      await client.call("POST", "/faults", { fault, seconds });
      well(this, `${fault} ${seconds} s`);
      return msg;
    });
  }
  RED.nodes.registerType("fieldwatt-fault", FieldwattFault);
};
