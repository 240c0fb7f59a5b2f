import { describe, expect, it } from "vitest";
import { dice, forSeeds, type Dice } from "../../test/consent/random-case.ts";
import { instant, memberId, type MemberId, type OfferId, type Span } from "../model/index.ts";
import { freeze, guardRefusal, type GuardRequest, type GuardState, type PastRelease } from "./guard.ts";

const HOUR = 3_600_000;
const ids = (...numbers: number[]): MemberId[] => numbers.map((n) => memberId(`m${n}`));
const hours = (from: number, to: number): Span => ({ from: instant(from * HOUR), to: instant(to * HOUR) });
const [A, B] = [ids(1, 2, 3), ids(4, 5, 6)];
const state: GuardState = { epoch: hours(0, 100), blocks: [A, B], revoked: [], releases: [] };
const request: GuardRequest = {
  offer: "week" as OfferId,
  window: hours(0, 24),
  members: A,
  leastMembers: 3,
  exact: true,
};
const past = (change: Partial<PastRelease>): PastRelease => ({ ...request, ...change });
const other = "day" as OfferId;

describe("the guard against differencing", () => {
  it.each<[string, Partial<GuardState>, Partial<GuardRequest>]>([
    ["a block", {}, {}],
    ["a union of blocks", {}, { members: [...A, ...B] }],
    ["the next window", { releases: [past({ window: hours(24, 48) })] }, {}],
    [
      "the same group again, for an overlapping window of another offer",
      { releases: [past({ offer: other })] },
      {},
    ],
    ["another block at the same time", { releases: [past({ offer: other, members: B })] }, {}],
    ["a noisy sum without somebody whose value is unknown", {}, { exact: false, members: ids(1, 2) }],
    ["a noisy sum after a revocation", { revoked: ids(3) }, { exact: false, members: ids(1, 2) }],
    ["another block after a revocation", { revoked: ids(3) }, { members: B }],
  ])("lets pass %s", (_what, stateChange, requestChange) => {
    expect(guardRefusal({ ...state, ...stateChange }, { ...request, ...requestChange })).toBeUndefined();
  });

  it.each<[string, Partial<GuardState>, Partial<GuardRequest>, string]>([
    [
      "a second release of a window, also with late data",
      { releases: [past({ members: B })] },
      {},
      "alreadyReleased",
    ],
    ["a window of another epoch", {}, { window: hours(90, 114) }, "windowOutsideEpoch"],
    ["a partition that holds somebody twice", { blocks: [A, ids(3, 4, 5)] }, {}, "partitionInvalid"],
    ["a block of fewer than k", {}, { leastMembers: 4 }, "partitionInvalid"],
    ["a member who revoked", { revoked: ids(3) }, {}, "memberRevoked"],
    ["an exact sum beside a revocation", { revoked: ids(3) }, { members: ids(1, 2) }, "cohortSuppressed"],
    ["a part of a block", {}, { members: ids(1, 2) }, "cohortNotFrozen"],
    ["a part of two blocks", {}, { members: ids(1, 2, 3, 4) }, "cohortNotFrozen"],
    ["somebody who joined in the epoch", {}, { members: ids(1, 2, 3, 9) }, "cohortNotFrozen"],
    ["somebody who joined, under noise", {}, { exact: false, members: ids(1, 9) }, "cohortNotFrozen"],
    [
      "a group that differs by one from an overlapping release",
      { releases: [past({ offer: other, window: hours(23, 47), members: ids(1, 2) })] },
      {},
      "overlapTooClose",
    ],
    [
      "a group that differs by enough for this offer, not for the other",
      { releases: [past({ offer: other, members: B, leastMembers: 7 })] },
      {},
      "overlapTooClose",
    ],
  ])("denies %s", (_what, stateChange, requestChange, because) => {
    expect(guardRefusal({ ...state, ...stateChange }, { ...request, ...requestChange })).toBe(because);
  });
});

describe("the cohorts of an epoch", () => {
  it("are those of each block who stand when it begins; a block with too few rests", () => {
    const partition = [ids(1, 2, 3), ids(4, 5, 6), ids(7, 8)];
    expect(freeze(partition, { standing: new Set(ids(1, 2, 4, 5, 6, 8, 9)), leastMembers: 2 })).toEqual([
      ids(1, 2),
      ids(4, 5, 6),
    ]);
  });
});

describe("a history that the guard let pass", () => {
  const K = 2;
  function randomRequest(d: Dice): GuardRequest {
    const from = d.roll(6);
    const members = ids(...[1, 2, 3, 4, 5, 6].filter(() => !d.once(3)));
    return {
      offer: d.pick(["a", "b", "c"] as const) as OfferId,
      window: hours(from, from + 1 + d.roll(3)),
      members: d.once(2)
        ? members
        : d.pick([ids(1, 2), ids(3, 4), ids(5, 6), ids(1, 2, 3, 4), ids(1, 2, 3, 4, 5, 6)]),
      leastMembers: K,
      exact: !d.once(3),
    };
  }

  it("has no two releases of one time that differ by fewer than k members", { timeout: 300_000 }, () => {
    let passed = 0;
    forSeeds(100_000, (d) => {
      const releases: GuardRequest[] = [];
      const blocks = [ids(1, 2), ids(3, 4), ids(5, 6)];
      for (let i = 0; i < 6; i++) {
        const revoked = ids(...[1, 2, 3, 4, 5, 6].filter(() => d.once(20)));
        const next = randomRequest(d);
        if (guardRefusal({ epoch: hours(0, 8), blocks, revoked, releases }, next) === undefined)
          releases.push(next);
      }
      passed += releases.length;
      for (const [i, one] of releases.entries())
        for (const two of releases.slice(0, i))
          if (isTooClose(one, two)) throw new Error(`${JSON.stringify(one)} beside ${JSON.stringify(two)}`);
    });
    expect(passed).toBeGreaterThan(100_000);
  });

  /** Written a second time, hour by hour and member by member. */
  function isTooClose(one: GuardRequest, two: GuardRequest): boolean {
    if (one.offer === two.offer && one.window.from === two.window.from && one.window.to === two.window.to)
      return true;
    let [shared, differ] = [false, 0];
    for (let hour = 0; hour < 10; hour++)
      shared ||= [one, two].every(({ window }) => window.from <= hour * HOUR && hour * HOUR < window.to);
    for (const member of ids(1, 2, 3, 4, 5, 6))
      if (one.members.includes(member) !== two.members.includes(member)) differ += 1;
    return shared && differ > 0 && differ < K;
  }

  it("is drawn from the same dice for the same seed", () => {
    expect(randomRequest(dice(7))).toEqual(randomRequest(dice(7)));
  });
});
