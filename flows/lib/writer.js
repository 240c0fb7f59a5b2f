"use strict";
// Readings on their way to the gateway: in order, many in one call, and said to be done when they are durable there.
const { pause } = require("./gateway.js");

/** Readings that wait while the gateway is away; more are refused, and nobody is told that they are done. */
const WAITING_MAX = 5_000;
const AT_ONCE = 200;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * @param gateway a Gateway
 * @param onState called with "up", or "down" with why
 */
function openWriter(gateway, onState) {
  const waiting = [];
  const stop = new AbortController();
  let running = false;

  async function run() {
    running = true;
    for (let failures = 0; waiting.length > 0 && !stop.signal.aborted;) {
      const some = waiting.slice(0, AT_ONCE);
      try {
        const { written } = await gateway.call("POST", "/readings", { writes: some.map((one) => one.write) });
        waiting.splice(0, some.length);
        some.forEach((one, i) => one.resolve(written[i]));
        failures = 0;
        onState("up");
      } catch (error) {
        if (error.status !== undefined && !error.later) await oneByOne(some, error);
        else {
          onState("down", error.message);
          await pause(Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS), stop.signal);
        }
      }
    }
    running = false;
  }

  /** One of several was refused: each alone, so that it takes no other with it. */
  async function oneByOne(some, error) {
    waiting.splice(0, some.length);
    if (some.length === 1) return some[0].reject(error);
    const rest = [];
    for (const one of some) {
      try {
        const { written } = await gateway.call("POST", "/readings", { writes: [one.write] });
        one.resolve(written[0]);
      } catch (own) {
        if (own.status !== undefined && !own.later) one.reject(own);
        else rest.push(one);
      }
    }
    waiting.unshift(...rest);
  }

  return {
    /** Resolves, with its time, when the write `{ device, id, time?, values }` is durable. */
    write(write) {
      if (waiting.length >= WAITING_MAX)
        return Promise.reject(new Error(`${WAITING_MAX} readings wait already`));
      return new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject });
        if (!running) void run();
      });
    },
    close() {
      stop.abort();
      for (const { reject } of waiting.splice(0))
        reject(new Error("the flow was stopped before this was kept"));
    },
  };
}

module.exports = { openWriter };
