"use strict";
const { openCursor } = require("../lib/cursor-file.js");
const { forget } = require("../lib/in-flight.js");
const { gatewayOf, well, bad, word } = require("../lib/node.js");

/** Readings as they become durable; goes on where it was, after an outage of either side. */
module.exports = (RED) => {
  function FieldwattStream(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    const cursor = openCursor(RED.settings.userDir, this.id, (error) => this.warn(error));
    // What was on its way before a deployment lies behind the place that was kept, and comes again.
    forget(this.id);
    let batch = 0;
    const stop = new AbortController();
    const hearing = client.hear({
      cursor: cursor.read() || (config.from === "start" ? "start" : "end"),
      streams: config.streams,
      signal: stop.signal,
      onState: (state, why) => (state === "up" ? well(this, word(RED, "status.listening")) : bad(this, why)),
      onBatch: (heard) => {
        batch += 1;
        for (const msg of messagesOf(heard, { asBatch: config.batch, origin: { node: this.id, batch } }))
          this.send(msg);
        cursor.keep(heard.cursor, batch);
      },
    });
    this.on("close", (done) => {
      stop.abort();
      cursor.close();
      hearing.then(() => done(), done);
    });
  }
  RED.nodes.registerType("fieldwatt-stream", FieldwattStream);
};

/** The same reading has the same id each time: nodes behind know it again. */
const idOf = ({ stream, time, sequence = 0 }) => `${stream}@${time}#${sequence}`;

function messagesOf({ readings, cursor }, { asBatch, origin }) {
  if (asBatch)
    return readings.length === 0
      ? []
      : [{ topic: "readings", payload: readings, fieldwatt: { cursor, origin } }];
  return readings.map((reading) => {
    const { stream, value, time, quality, unit } = reading;
    const fieldwatt = { cursor, origin, id: idOf(reading) };
    return { topic: stream, payload: value, time, quality, unit, fieldwatt };
  });
}
