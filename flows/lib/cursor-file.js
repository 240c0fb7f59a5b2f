"use strict";
// Where a stream goes on, in a small file of its own below Node-RED's folder. It is written beside and renamed, so that
// a power cut leaves the old one or the new one, never half of one.
const { mkdirSync, readFileSync, renameSync, openSync, writeSync, fsyncSync, closeSync } = require("node:fs");
const { join } = require("node:path");

/** A cursor is kept this often at most, ms: each is a write on the card. What comes again after a crash has its id. */
const KEEP_MS = 1_000;

/** The cursor of one node; without a folder it lives as long as the process. */
function openCursor(userDir, nodeId) {
  const folder = userDir && join(userDir, "fieldwatt");
  const file = folder && join(folder, `${nodeId.replace(/[^\w-]/g, "_")}.cursor`);
  let waiting;
  let timer;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === undefined || !file) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const handle = openSync(`${file}.new`, "w", 0o600);
    try {
      writeSync(handle, waiting);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(`${file}.new`, file);
    waiting = undefined;
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
    keep(cursor, onFault) {
      waiting = cursor;
      timer ??= setTimeout(() => {
        try {
          write();
        } catch (error) {
          timer = undefined;
          onFault(error);
        }
      }, KEEP_MS);
    },
    close: write,
  };
}

module.exports = { openCursor };
