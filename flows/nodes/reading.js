"use strict";
const { hold } = require("../lib/in-flight.js");
const { openWriter } = require("../lib/writer.js");
const { gatewayOf, onInput, setting, waits, well, word } = require("../lib/node.js");

/** Writes into a virtual device; the message goes on, and counts as done, when the reading is durable. */
module.exports = (RED) => {
  function FieldwattReading(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    const writer = openWriter(client, (state, why) =>
      state === "up" ? well(this, word(RED, "status.durable")) : waits(this, why),
    );
    onInput(this, async (msg) => {
      const release = hold(msg.fieldwatt && msg.fieldwatt.origin);
      try {
        const written = await writer.write(writeOf(msg, config, this.id));
        release();
        return { ...msg, written };
      } catch (error) {
        // Refused for good; what only was not kept in time comes again after a start.
        if (error.status !== undefined) release();
        throw error;
      }
    });
    this.on("close", (done) => {
      writer.close();
      done();
    });
  }
  RED.nodes.registerType("fieldwatt-reading", FieldwattReading);
};

/** What came of a stream keeps its id, so that what comes again after a crash is not kept twice. */
function writeOf(msg, { device, quantity }, nodeId) {
  const from = msg.fieldwatt && msg.fieldwatt.id;
  const isSet = typeof msg.payload === "object" && msg.payload !== null;
  return {
    device: setting(device, msg.device),
    id: `${nodeId}/${from || msg.id || msg._msgid}`,
    ...(Number.isInteger(msg.time) && { time: msg.time }),
    values: isSet ? msg.payload : { [setting(quantity, msg.quantity)]: Number(msg.payload) },
  };
}
