"use strict";
// What the nodes share: a status that tells how it went, and messages that go on when the gateway has answered.

const GREEN = { fill: "green", shape: "dot" };
const RED_RING = { fill: "red", shape: "ring" };
const YELLOW = { fill: "yellow", shape: "dot" };

/** A word in Node-RED's language; its key where there is no catalogue (in tests of nodes). */
const word = (RED, key) => (RED._ ? RED._(`fieldwatt.${key}`) : key);

/** The gateway's client behind a node's config node; says on the node where none is chosen. */
function gatewayOf(RED, node, config) {
  const gateway = RED.nodes.getNode(config.gateway);
  if (!gateway) node.status({ ...RED_RING, text: word(RED, "status.noGateway") });
  return gateway && gateway.client;
}

/** Runs `work` for each message; it resolves to the message that goes on, or to undefined. */
function onInput(node, work) {
  node.on("input", (msg, send, done) => {
    work(msg).then(
      (out) => {
        if (out !== undefined) send(out);
        done();
      },
      (error) => {
        node.status({ ...RED_RING, text: String(error.message).slice(0, 60) });
        done(error);
      },
    );
  });
}

const well = (node, text) => node.status({ ...GREEN, text });
const waits = (node, text) => node.status({ ...YELLOW, text: String(text).slice(0, 60) });
const bad = (node, text) => node.status({ ...RED_RING, text: String(text).slice(0, 60) });

/** The node's own setting, else the message's. */
const setting = (own, said) => (own === undefined || own === "" ? said : own);

module.exports = { word, gatewayOf, onInput, well, waits, bad, setting };
