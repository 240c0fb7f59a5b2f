"use strict";
// What a stream has handed on and a reading node has not made durable yet. Both live in one process: the place that a
// stream keeps on disk never runs ahead of what would be lost with that process.

/** By the stream's node id: how many messages of each of its batches are on their way. */
const held = new Map();

/** A message of a stream is on its way to the gateway; call what comes back once it is kept or refused for good. */
function hold(origin) {
  if (!origin || origin.node === undefined || origin.batch === undefined) return () => undefined;
  const batches = held.get(origin.node) || new Map();
  held.set(origin.node, batches);
  batches.set(origin.batch, (batches.get(origin.batch) || 0) + 1);
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    const left = batches.get(origin.batch) - 1;
    if (left > 0) batches.set(origin.batch, left);
    else batches.delete(origin.batch);
  };
}

/** The oldest batch of a stream of which something is on its way; Infinity where nothing is. */
const oldestHeld = (node) => Math.min(...(held.get(node) || new Map()).keys());

const forget = (node) => held.delete(node);

module.exports = { hold, oldestHeld, forget };
