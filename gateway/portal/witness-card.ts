import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import { watchedLogs, witnessStates, type WatchedLog, type WitnessState } from "../forward/witness-state.ts";
import type { Portal, Speech } from "./context.ts";
import { fill } from "./format.ts";
import { witnessWords } from "./witness-messages.ts";

/** Whom the site file names as witnesses of the log: the hub, and neighbours. */
export const witnessNames = ({ hub, witnesses }: Portal["site"]): string[] => [
  ...(hub ? [hub.id] : []),
  ...witnesses.map(({ id }) => id),
];

/** Who watches the log of what left, and whose log is watched here. */
export function witnessCard({ site, store }: Pick<Portal, "site" | "store">, speech: Speech): Html | "" {
  const states = witnessStates(store.read, witnessNames(site));
  return witnessStateCard({ states, watched: watchedLogs(store.read) }, speech);
}

export function witnessStateCard(
  { states, watched }: { readonly states: readonly WitnessState[]; readonly watched: readonly WatchedLog[] },
  speech: Speech,
): Html | "" {
  const w = witnessWords(speech.language);
  if (states.length + watched.length === 0) return "";
  return html`<section class="card" id="witnesses">
    <h2>${w.title}</h2>
    <p class="soft any">${w.hint}</p>
    <ul>
      ${states.map((state) => stateLine(state, speech))} ${watched.map((log) => logLine(log, speech))}
    </ul>
  </section>`;
}

function stateLine({ name, size, of, refusal }: WitnessState, { language, f }: Speech): Html {
  const w = witnessWords(language);
  if (refusal)
    return html`<li class="bad any">
      ${fill(w.refuses, { name, because: refusal.because, time: f.dateTime(refusal.since) })}
    </li>`;
  const words = of === 0 ? w.nothing : size === of ? w.all : w.some;
  return html`<li class="any">${fill(words, { name, n: f.number(size), of: f.number(of) })}</li>`;
}

function logLine({ origin, size, seen, evidence }: WatchedLog, { language, f }: Speech): Html {
  const w = witnessWords(language);
  const values = { log: origin, n: f.number(size), time: f.dateTime(seen) };
  return html`<li class="any">
    ${fill(w.watched, values)}
    ${evidence.map((one) => {
      const words = fill(one.proven ? w.contradicts : w.doubt, {
        ...{ because: one.because, n: f.number(one.size), time: f.dateTime(one.seen) },
      });
      return html`<div class="bad">${words}</div>`;
    })}
  </li>`;
}

/** For `/health`. */
export function witnessHealth({ site, store }: Pick<Portal, "site" | "store">): {
  witnesses: { name: string; size: number; of: number; refuses: string | null }[];
  contradictions: number;
} {
  const witnesses = witnessStates(store.read, witnessNames(site)).map(({ name, size, of, refusal }) => ({
    ...{ name, size, of, refuses: refusal?.because ?? null },
  }));
  const contradictions = watchedLogs(store.read).reduce((sum, { evidence }) => sum + evidence.length, 0);
  return { witnesses, contradictions };
}
