import { emptyLedger } from "../../domain/consent/budget.ts";
import type { Question } from "../../domain/consent/decide.ts";
import {
  GRANULARITIES,
  instant,
  memberId,
  rational,
  type ConsentLimits,
  type GuardianMandate,
  type OfferId,
  type PinnedConsent,
  type Prohibition,
  type VotedOffer,
  type VotedPolicy,
} from "../../domain/model/index.ts";

/**
 * Small random questions to the gate, the same for the same seed. Most of each is right, so that many are released,
 * and anything may be wrong.
 */
export interface Dice {
  /** A whole number from 0 to `below` − 1. */
  roll(below: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  pick<T>(list: readonly [T, ...T[]]): T;
}

/** mulberry32, public domain: 32 bits of state are plenty to draw small cases. */
export function dice(seed: number): Dice {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const roll = (below: number): number => next() % below;
  return { roll, once: (times) => roll(times) === 0, pick: (list) => list[roll(list.length)] ?? list[0] };
}

export const DAY = 86_400_000;
/** Monday 2026-06-15, noon, UTC. */
export const NOON = instant(Date.UTC(2026, 5, 15, 12));
export const WEEK = { from: instant(Date.UTC(2026, 5, 8)), to: instant(Date.UTC(2026, 5, 15)) };
const HASH = "a".repeat(64);
const around = (d: Dice, time: number): ReturnType<typeof instant> => instant(time + (d.roll(21) - 10) * DAY);
const before = (d: Dice): ReturnType<typeof instant> =>
  d.once(15) ? around(d, NOON) : instant(NOON - (10 + d.roll(30)) * DAY);
const after = (d: Dice): ReturnType<typeof instant> =>
  d.once(15) ? around(d, NOON) : instant(NOON + (1 + d.roll(30)) * DAY);

const member = (d: Dice): ReturnType<typeof memberId> => memberId(`m${d.roll(6)}`);
const OFFERS = ["own", "sum", "noisy"] as const;
const PURPOSES = ["dpv:ServiceProvision", "dpv:ScientificResearch"] as const;
const RECIPIENTS = ["hub", "university"] as const;

function offer(d: Dice, id: (typeof OFFERS)[number]): VotedOffer {
  const terms = {
    id: id as OfferId,
    title: id,
    kind: d.pick(["energyInterval", "farmDay"] as const),
    purpose: d.once(8) ? PURPOSES[1] : PURPOSES[0],
    recipient: d.once(8) ? RECIPIENTS[1] : RECIPIENTS[0],
    recipientKey: "k",
    retentionDays: d.pick([30, 90, 365] as const),
    granularity: d.once(20) ? d.pick(GRANULARITIES) : ("week" as const),
    utcOffsetMinutes: d.once(40) ? 330 : 0,
    window: d.once(15)
      ? { from: around(d, WEEK.from), to: around(d, WEEK.to) }
      : { from: instant(0), to: instant(NOON * 2) },
    unit: "Wh" as const,
    expires: after(d),
  };
  if (id === "own") return { ...terms, lane: "ownAccount" };
  return {
    ...terms,
    lane: "collective",
    group: { leastMembers: 2 + d.roll(3), largestSharePercent: d.pick([40, 60, 100] as const) },
    recipientKnowsTotal: d.once(4),
    clamp: d.pick([50, 100, 1000] as const),
    round: d.pick([1, 7, 10] as const),
    ...(id === "noisy" && { noise: { epsilon: rational(1n, d.pick([1n, 2n, 4n] as const)) } }),
  };
}

export const prohibition = (d: Dice): Prohibition => ({
  ...(d.once(2) && { purpose: d.pick(PURPOSES) }),
  ...(d.once(2) && { recipient: d.pick(RECIPIENTS) }),
  kind: d.pick(["energyInterval", "farmDay"] as const),
});

export function randomPolicy(d: Dice): VotedPolicy {
  return {
    version: 3,
    hash: HASH,
    previous: "b".repeat(64),
    effective: before(d),
    sunset: after(d),
    offers: OFFERS.filter(() => !d.once(15)).map((id) => offer(d, id)),
    prohibitions: d.once(5) ? [prohibition(d)] : [],
    ...(!d.once(10) && { epsilonCaps: { eachPurposeAndRecipient: rational(1n), inAll: rational(2n) } }),
  };
}

export function randomLimits(d: Dice): ConsentLimits {
  return {
    ...(d.once(12) && { granularity: d.pick(GRANULARITIES) }),
    ...(d.once(12) && { window: { from: around(d, WEEK.from - DAY), to: around(d, WEEK.to + DAY) } }),
    ...(d.once(12) && { retentionDays: d.pick([30, 90, 365] as const) }),
    ...(d.once(6) && { leastMembers: 2 + d.roll(5) }),
    ...(d.once(12) && { largestSharePercent: d.pick([40, 60, 100] as const) }),
    ...(d.once(12) && { clamp: d.pick([50, 100, 1000] as const) }),
    ...(d.once(12) && { round: d.pick([1, 7, 10] as const) }),
    ...(d.once(12) && { epsilon: rational(1n, d.pick([1n, 2n, 4n] as const)) }),
  };
}

const mandate = (d: Dice, one: ReturnType<typeof memberId>): GuardianMandate => ({
  guardian: "aunt",
  member: d.once(8) ? member(d) : one,
  scope: d.once(3) ? "all" : OFFERS.filter(() => !d.once(6)).map((id) => id as OfferId),
  from: instant(NOON - (d.once(8) ? d.roll(40) : 60) * DAY),
  until: after(d),
  ...(d.once(10) && { revoked: { at: around(d, NOON), by: "board" as const } }),
});

/** A consent of this member to this offer, mostly in order. */
export function randomConsent(
  d: Dice,
  one: ReturnType<typeof memberId>,
  to: Pick<VotedOffer, "id" | "purpose" | "recipient">,
): PinnedConsent {
  return {
    member: one,
    offer: to.id,
    purpose: d.once(25) ? d.pick(PURPOSES) : to.purpose,
    recipient: d.once(25) ? d.pick(RECIPIENTS) : to.recipient,
    policyVersion: d.once(30) ? 2 : 3,
    policyHash: d.once(30) ? "c".repeat(64) : HASH,
    given: before(d),
    expires: after(d),
    ...(d.once(15) && { withdrawn: around(d, NOON - 15 * DAY) }),
    limits: d.once(3) ? randomLimits(d) : {},
    ...(d.once(6) && { guardian: mandate(d, one) }),
  };
}

/** @param d decides everything */
export function randomQuestion(d: Dice): Question {
  const policy = d.once(50) ? undefined : randomPolicy(d);
  const asked = d.pick(OFFERS);
  const members = Array.from({ length: asked === "own" && !d.once(10) ? 1 : 1 + d.roll(6) }, (_, i) =>
    memberId(`m${i}`),
  );
  const offers = policy?.offers ?? [{ id: asked as OfferId, purpose: PURPOSES[0], recipient: RECIPIENTS[0] }];
  const consents = offers
    .filter(({ id }) => id === asked || d.once(6))
    .flatMap((to) =>
      members.flatMap((one) =>
        Array.from({ length: d.once(8) ? d.roll(3) : 1 }, () => randomConsent(d, one, to)),
      ),
    );
  return {
    now: NOON,
    clockTrusted: !d.once(50),
    policy,
    consents,
    request: {
      offer: asked,
      window: d.once(30) ? { from: around(d, WEEK.from), to: around(d, WEEK.to) } : WEEK,
      members: members.map((id) => ({ id, value: d.once(20) ? null : d.roll(200) })),
    },
    ledger: emptyLedger,
    guard: "nothing",
    bytes: (count) => Uint8Array.from({ length: count }, () => d.roll(256)),
  };
}

/**
 * Tries `check` on the cases of the seeds 0 to `cases` − 1. A failure names its seed: `randomQuestion(dice(seed))` is
 * the case again.
 */
export function forSeeds(cases: number, check: (d: Dice) => void): void {
  for (let seed = 0; seed < cases; seed++) {
    try {
      check(dice(seed));
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
}
