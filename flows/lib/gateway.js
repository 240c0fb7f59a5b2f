"use strict";
// One gateway's HTTP API, as a flow sees it. No packages: Node's own fetch.

/** A call that takes longer has failed, ms. */
const CALL_MS = 20_000;
/** Between two tries of a stream, ms: doubled up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** The gateway gives a sign of life every 15 s; a line that is silent for so long is dead, ms. */
const SILENT_MS = 45_000;
const EVENT_LETTERS_MAX = 16 * 1024 * 1024;

/** What the gateway said no to: its HTTP status, and its answer. */
class Refused extends Error {
  constructor(status, body) {
    super(body && body.error ? body.error : `HTTP ${status}`);
    this.name = "Refused";
    this.status = status;
    this.body = body || {};
    /** Whether the same may do later: also where the token is refused, for which the operator gives another. */
    this.later = [401, 429, 502, 503, 504].includes(status);
  }
}

/** Calls the API of the gateway at `url` with `token`: a JSON answer, or an error (`Refused`, or fetch's own). */
class Gateway {
  constructor({ url, token }) {
    this.url = String(url || "").replace(/\/+$/, "");
    this.token = token;
  }

  headers(more) {
    return { authorization: `Bearer ${this.token}`, ...more };
  }

  async call(method, path, body) {
    const answer = await fetch(`${this.url}/api/flows/v1${path}`, {
      method,
      headers: this.headers({ "content-type": "application/json" }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_MS),
    });
    const said = await answer.text();
    const json = parsed(said);
    if (!answer.ok) throw new Refused(answer.status, json);
    return json;
  }

  /**
   * Hears readings from a cursor on until the signal aborts, over every outage. `onBatch` gets each
   * `{ cursor, readings }`, `onState` "up", or "down" with why; a token that is refused is tried again too, because the
   * operator may give it back. Resolves when the signal aborted.
   */
  async hear({ cursor, streams, onBatch, onState, signal }) {
    let place = cursor;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.hearOnce({
          cursor: place,
          streams,
          signal,
          onBatch: (batch) => {
            if (failures > 0 || batch.first) onState("up");
            failures = 0;
            onBatch(batch);
            place = batch.cursor;
          },
        });
        if (!signal.aborted) onState("down", "the gateway ended the stream");
      } catch (error) {
        if (signal.aborted) return;
        onState("down", error.message);
      }
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS), signal);
    }
  }

  async hearOnce({ cursor, streams, onBatch, signal }) {
    const query = new URLSearchParams({ cursor, ...(streams && { streams }) });
    const line = new AbortController();
    const end = () => line.abort();
    signal.addEventListener("abort", end);
    let silence = setTimeout(end, SILENT_MS);
    try {
      const answer = await fetch(`${this.url}/api/flows/v1/stream?${query}`, {
        headers: this.headers({ accept: "text/event-stream" }),
        signal: line.signal,
      });
      if (!answer.ok) throw new Refused(answer.status, parsed(await answer.text()));
      let first = true;
      for await (const batch of eventsOf(answer.body, () => {
        clearTimeout(silence);
        silence = setTimeout(end, SILENT_MS);
      })) {
        onBatch({ ...batch, first });
        first = false;
      }
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", end);
      line.abort();
    }
  }
}

/** The data of each server-sent event, as JSON. */
async function* eventsOf(body, onBytes) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    onBytes();
    text += decoder.decode(chunk, { stream: true });
    if (text.length > EVENT_LETTERS_MAX) throw new Error("an event is larger than its limit");
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event
        .split("\n")
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trimStart())
        .join("\n");
      if (data !== "") yield JSON.parse(data);
    }
  }
}

const parsed = (text) => {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return { error: text.slice(0, 200) };
  }
};

const pause = (ms, signal) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });

module.exports = { Gateway, Refused, pause };
