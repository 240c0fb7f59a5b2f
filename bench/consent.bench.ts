import { emptyLedger } from "../domain/consent/budget.ts";
import { decide, type Question } from "../domain/consent/decide.ts";
import {
  instant,
  memberId,
  type OfferId,
  type PinnedConsent,
  type VotedOffer,
  type VotedPolicy,
} from "../domain/model/index.ts";
import { round, type Bench, type Figure } from "./bench.ts";
import { proofFigures } from "./consent/proofs.ts";

/**
 * The consent gate: decisions a second for one member's own account and for sums over 40 and 1,000 members, each of
 * whom has a consent, limits of their own, and a consent to another offer that must be passed over.
 */
const MEASURE_MS = 1_000;
const WARM_UP_MS = 300;
const SIZES = [1, 40, 1_000];
/** Decisions between two looks at the clock. */
const BATCH_MEMBERS = 1_000;

const NOW = instant(Date.UTC(2026, 5, 15, 12));
const WEEK = { from: instant(Date.UTC(2026, 5, 8)), to: instant(Date.UTC(2026, 5, 15)) };
const LATER = instant(Date.UTC(2026, 11, 31));
const [OWN, SUM] = ["own" as OfferId, "sum" as OfferId];

const terms = {
  title: "Bench",
  kind: "energyInterval",
  purpose: "dpv:ServiceOptimisation",
  recipient: "federation",
  recipientKey: "k",
  retentionDays: 365,
  granularity: "week",
  utcOffsetMinutes: 0,
  window: { from: instant(0), to: LATER },
  unit: "Wh",
  expires: LATER,
} as const;

const offers: readonly VotedOffer[] = [
  { ...terms, lane: "ownAccount", id: OWN },
  {
    ...terms,
    lane: "collective",
    id: SUM,
    group: { leastMembers: 15, largestSharePercent: 15 },
    recipientKnowsTotal: true,
    clamp: 100_000,
    round: 10_000,
  },
];
const policy: VotedPolicy = {
  version: 2,
  hash: "h",
  previous: "g",
  effective: instant(0),
  sunset: LATER,
  offers,
  prohibitions: [{ recipient: "somebody-else" }],
};

const consent = (id: string, offer: OfferId): PinnedConsent => ({
  member: memberId(id),
  offer,
  purpose: terms.purpose,
  recipient: terms.recipient,
  policyVersion: 2,
  policyHash: "h",
  given: instant(0),
  expires: LATER,
  limits: { retentionDays: 365, window: { from: instant(0), to: LATER } },
});

function questionOf(size: number): Question {
  const ids = Array.from({ length: size }, (_, i) => `house-${i}`);
  return {
    now: NOW,
    clockTrusted: true,
    policy,
    consents: ids.flatMap((id) => [consent(id, OWN), consent(id, SUM)]),
    ledger: emptyLedger,
    guard: "nothing",
    request: {
      offer: size === 1 ? OWN : SUM,
      window: WEEK,
      members: ids.map((id, i) => ({ id: memberId(id), value: 50_000 + i })),
    },
  };
}

function decisionsFor(question: Question, { ms, batch }: { ms: number; batch: number }): number {
  const start = performance.now();
  let decisions = 0;
  for (;;) {
    for (let i = 0; i < batch; i++)
      if (decide(question).kind !== "release") throw new Error("the case of the benchmark is denied");
    decisions += batch;
    const seconds = (performance.now() - start) / 1_000;
    if (seconds * 1_000 >= ms) return decisions / seconds;
  }
}

export const bench: Bench = {
  name: "consent",
  about: `decisions of the consent gate for ${SIZES.join(", ")} members, and proofs of a large log of what left`,
  run({ folder, signal }) {
    const figures = SIZES.map((size): Figure => {
      signal.throwIfAborted();
      const question = questionOf(size);
      const batch = Math.ceil(BATCH_MEMBERS / size);
      decisionsFor(question, { ms: WARM_UP_MS, batch });
      const value = round(decisionsFor(question, { ms: MEASURE_MS, batch }));
      const figure = size === 1 ? "own account, 1 member" : `a sum over ${size.toLocaleString("en")} members`;
      return { bench: "consent", figure, value, unit: "decisions/s" };
    });
    return Promise.resolve([...figures, ...proofFigures(folder, signal)]);
  },
};
