"use strict";
// Where a stream goes on, in a small file of its own below Node-RED's folder. It is written beside and renamed, so that
// a power cut leaves the old one or the new one, never half of one. What is kept is a place of a moment ago, behind
// which nothing is still on its way: after a crash some readings come again, with the ids that they had, and none is
// left out.
const { mkdirSync, readFileSync, renameSync, openSync, writeSync, fsyncSync, closeSync } = require("node:fs");
const { join } = require("node:path");
const { oldestHeld } = require("./in-flight.js");

/** A cursor is kept this often at most, and is so old at least, ms: flows need a moment, and each is a write. */
const KEEP_MS = 1_000;
/** Places that are remembered while something is on its way; then the oldest half is enough. */
const PLACES_MAX = 10_000;

/** The cursor of one node; without a folder it lives as long as the process. */
function openCursor(userDir, nodeId, onFault) {
  const folder = userDir && join(userDir, "fieldwatt");
  const file = folder && join(folder, `${nodeId.replace(/[^\w-]/g, "_")}.cursor`);
  let places = [];
  let timer;

  const write = () => {
    timer = undefined;
    const before = Date.now() - KEEP_MS;
    const oldest = oldestHeld(nodeId);
    const last = places.findLastIndex(({ at, batch }) => at <= before && batch < oldest);
    try {
      if (last >= 0 && file) put(places[last].cursor);
      places = places.slice(last + 1);
    } catch (error) {
      onFault(error);
    }
    if (places.length > 0) timer = setTimeout(write, KEEP_MS);
  };
  const put = (cursor) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const handle = openSync(`${file}.new`, "w", 0o600);
    try {
      writeSync(handle, cursor);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(`${file}.new`, file);
  };

  return {
    /** The place that was kept, or undefined. */
    read() {
      try {
        const text = file ? readFileSync(file, "utf8").trim() : "";
        return /^\d+(:\d+)?$/.test(text) ? text : undefined;
      } catch {
        return undefined;
      }
    },
    /** All up to this place was handed on as batch number `batch`. */
    keep(cursor, batch) {
      places.push({ cursor, batch, at: Date.now() });
      if (places.length > PLACES_MAX) places = places.filter((_, i) => i % 2 === 1);
      timer ??= setTimeout(write, KEEP_MS);
    },
    close() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

module.exports = { openCursor };
