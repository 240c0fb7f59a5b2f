"use strict";
const { Gateway } = require("../lib/gateway.js");

/** Which gateway, and the token. In the gateway's own Node-RED both may be empty: it is known which one is meant. */
module.exports = (RED) => {
  function FieldwattGateway(config) {
    RED.nodes.createNode(this, config);
    const own = RED.settings.fieldwatt || {};
    const { token } = this.credentials || {};
    this.client = new Gateway({ url: config.url || own.url, token: token || own.token });
  }
  RED.nodes.registerType("fieldwatt-gateway", FieldwattGateway, {
    credentials: { token: { type: "password" } },
  });

  // The editor asks what there is, for its lists; whoever may edit flows may ask.
  RED.httpAdmin.get(
    "/fieldwatt/:gateway/about",
    RED.auth.needsPermission("flows.read"),
    (request, response) => {
      const node = RED.nodes.getNode(request.params.gateway);
      if (!node || !node.client) return response.status(404).json({});
      node.client.call("GET", "/about").then(
        (about) => response.json(about),
        (error) => response.status(502).json({ error: error.message }),
      );
    },
  );
};
