// The card on which a phone watches the log: asks for its newest head, says what became of what was kept here, and
// keeps what may be kept. What is kept stays in this browser.
import { WARNINGS, watchLog } from "./log-watch.js";

const KEPT = "fieldwatt-log";
const EVIDENCE = "fieldwatt-log-evidence";
const card = document.querySelector("[data-watch]");
const words = JSON.parse(card.dataset.words);
const { language, zone, log } = card.dataset;
const verdict = card.querySelector("[data-watched]");
const time = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
  ...{ timeZone: zone, dateStyle: "medium", timeStyle: "short" },
});
const count = new Intl.NumberFormat(language);

const ask = {
  async checkpoint() {
    const answer = await fetch("/log/checkpoint", { cache: "no-store" });
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  },
  async consistency(from, to) {
    const answer = await fetch(`/log/consistency?from=${from}&to=${to}`, { cache: "no-store" });
    // A log that has no proof of its own sizes is as one whose proof does not hold.
    if (answer.status === 400) return [];
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).proof;
  },
};

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** A browser that keeps nothing (a private window) says so. */
function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

function line(text, className = "") {
  const made = document.createElement("p");
  made.textContent = text;
  made.className = className;
  return made;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "–");

function say({ state, kept, shown, before }) {
  const warns = WARNINGS.includes(state);
  const values = {
    n: count.format((before ?? kept)?.size ?? 0),
    m: count.format(shown?.size ?? 0),
    more: count.format((shown?.size ?? 0) - (before?.size ?? 0)),
    time: before ? time.format(before.seen) : kept ? time.format(kept.seen) : "–",
  };
  const lines = [line(fill(words[state], values), `verdict ${warns ? "bad" : "good"}`)];
  if (warns) lines.push(line(words.whatToDo, "notice problem"));
  verdict.replaceChildren(...lines);
  card.dataset.state = state;
}

/** What was kept, and what contradicts it, as files that others can look at. */
function offer(name, note) {
  const link = card.querySelector(`[data-download="${name}"]`);
  link.hidden = note === undefined;
  if (note !== undefined) link.href = URL.createObjectURL(new Blob([note], { type: "text/plain" }));
}

async function watch() {
  const before = read(KEPT);
  const found = await watchLog({ kept: before, log, ask, now: Date.now() });
  const { kept, shown, state } = found;
  const written = kept === undefined || write(KEPT, kept);
  if (WARNINGS.includes(state) && shown?.note !== undefined) write(EVIDENCE, shown);
  // A log that was begun anew is watched from now on; how the one before ended stays, beside it.
  if (state === "anew" && write(`${KEPT} ${kept.log.split("+", 1)[0]}`, kept)) write(KEPT, shown);
  say({ ...found, before });
  if (!written) verdict.append(line(words.keepsNothing, "bad"));
  offer("kept", kept?.note);
  offer("evidence", WARNINGS.includes(state) ? shown?.note : read(EVIDENCE)?.note);
}

void watch();
