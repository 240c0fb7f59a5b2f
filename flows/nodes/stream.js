"use strict";
const { openCursor } = require("../lib/cursor-file.js");
const { gatewayOf, well, bad, word } = require("../lib/node.js");

/** Readings as they become durable; goes on where it was, after an outage of either side. */
module.exports = (RED) => {
  function FieldwattStream(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    const cursor = openCursor(RED.settings.userDir, this.id);
    const stop = new AbortController();
    const hearing = client.hear({
      cursor: cursor.read() || (config.from === "start" ? "start" : "end"),
      streams: config.streams,
      signal: stop.signal,
      onState: (state, why) => (state === "up" ? well(this, word(RED, "status.listening")) : bad(this, why)),
      onBatch: (batch) => {
        for (const msg of messagesOf(batch, config.batch)) this.send(msg);
        cursor.keep(batch.cursor, (error) => this.warn(error));
      },
    });
    this.on("close", (removed, done) => {
      stop.abort();
      hearing.then(() => cursor.close()).then(() => done(), done);
    });
  }
  RED.nodes.registerType("fieldwatt-stream", FieldwattStream);
};

/** The same reading has the same id each time: nodes behind know it again. */
const idOf = ({ stream, time, sequence = 0 }) => `${stream}@${time}#${sequence}`;

function messagesOf({ readings, cursor }, asBatch) {
  if (asBatch)
    return readings.length === 0 ? [] : [{ topic: "readings", payload: readings, fieldwatt: { cursor } }];
  return readings.map((reading) => {
    const { stream, value, time, quality, unit } = reading;
    return { topic: stream, payload: value, time, quality, unit, fieldwatt: { cursor, id: idOf(reading) } };
  });
}
