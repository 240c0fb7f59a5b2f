"use strict";
const { gatewayOf, onInput, setting, well, word } = require("../lib/node.js");

/** Tells the operator, a member or every member: on their page, and by short message where the gateway has a modem. */
module.exports = (RED) => {
  function FieldwattAlert(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    onInput(this, async (msg) => {
      const told = await client.call("POST", "/alerts", {
        key: setting(config.key, msg.key) || this.id,
        to: setting(config.to, msg.to) || "operator",
        severity: setting(config.severity, msg.severity) || "warning",
        text: String(msg.payload),
        sms: config.sms === true || msg.sms === true,
      });
      well(this, word(RED, `sms.${told.sms}`));
      return { ...msg, alert: told };
    });
  }
  RED.nodes.registerType("fieldwatt-alert", FieldwattAlert);
};
