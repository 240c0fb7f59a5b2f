import { describe, expect, it } from "vitest";
import { forSeeds, NOON, randomQuestion, WEEK, type Dice } from "../../test/consent/random-case.ts";
import { GRANULARITIES, instant, memberId, type MemberId } from "../model/index.ts";
import { decideCohorts, epochAt, extendPartition } from "./cohorts.ts";
import { stepAt } from "./windows.ts";

const utc = (text: string): number => Date.parse(`${text}:00Z`);

/** Expected spans by hand. 2026-06-15 is a Monday; 1970-01-01 was a Thursday. */
describe("an epoch", () => {
  it.each([
    ["a quarter hour", "quarterHour", 0, "2026-06-01T00:00", "2026-07-01T00:00"],
    ["a day", "day", 0, "2026-06-01T00:00", "2026-07-01T00:00"],
    ["a day in Nairobi", "day", 180, "2026-05-31T21:00", "2026-06-30T21:00"],
    // The Monday 1969-12-29 and 736 times four weeks later.
    ["a week", "week", 0, "2026-06-01T00:00", "2026-06-29T00:00"],
    ["a month", "month", 0, "2026-04-01T00:00", "2026-07-01T00:00"],
  ] as const)("of steps of %s", (_what, granularity, utcOffsetMinutes, from, to) => {
    const epoch = epochAt(instant(utc("2026-06-15T12:00")), { granularity, utcOffsetMinutes });
    expect(epoch).toEqual({ from: utc(from), to: utc(to) });
  });

  it.each(GRANULARITIES)("holds every step of %s whole, and the next begins where it ends", (granularity) => {
    const offer = { granularity, utcOffsetMinutes: 330 };
    for (let day = 0; day < 800; day++) {
      const time = instant(utc("2026-01-01T00:00") + day * 86_400_000);
      const [step, epoch] = [stepAt(time, offer), epochAt(time, offer)];
      expect(step.from >= epoch.from && step.to <= epoch.to).toBe(true);
      expect(epochAt(epoch.to, offer).from).toBe(epoch.to);
    }
  });
});

describe("the partition", () => {
  const homes = (from: number, to: number): MemberId[] =>
    Array.from({ length: to - from }, (_, i) => memberId(`h${String(from + i).padStart(3, "0")}`));
  const cut = (members: readonly MemberId[], blocks: readonly (readonly MemberId[])[] = []) =>
    extendPartition(blocks, { members, leastMembers: 15 });

  it.each([
    [14, []],
    [15, [15]],
    [40, [40]],
    [60, [30, 30]],
    [100, [34, 33, 33]],
  ])("of %s homes has blocks of %s", (count, sizes) => {
    expect(cut(homes(0, count)).map((block) => block.length)).toEqual(sizes);
  });

  it("never moves anybody, and takes newcomers in as soon as they make a block", () => {
    const first = cut(homes(0, 40));
    expect(cut(homes(0, 54), first)).toBe(first);
    expect(cut(homes(0, 55), first)).toEqual([...first, homes(40, 55)]);
  });
});

/** Random policies, consents, revocations and values: what may be said of every exact sum. */
describe("an exact sum is over whole cohorts, none of whom revoked", () => {
  const CASES = 100_000;

  function releasedIn(d: Dice): boolean {
    const question = randomQuestion(d);
    const members = question.request.members.map(({ id }) => id);
    const half = Math.ceil(members.length / 2);
    const blocks = (d.once(2) ? [members] : [members.slice(0, half), members.slice(half)]).filter(
      (block) => block.length > 1,
    );
    const revoked = d.once(4) ? members.filter(() => d.once(3)) : [];
    const epoch = { from: instant(WEEK.from - 86_400_000), to: instant(NOON * 2) };
    const decision = decideCohorts({ ...question, guard: { epoch, blocks, revoked, releases: [] } });
    const offer = question.policy?.offers.find(({ id }) => id === question.request.offer);
    if (decision.kind === "deny" || offer?.lane !== "collective") return false;
    const inside = new Set(decision.members);
    if (revoked.some((member) => inside.has(member))) throw new Error("one who revoked is inside");
    if (offer.noise !== undefined) return true;
    const touched = blocks.filter((block) => block.some((member) => inside.has(member)));
    if (touched.flat().length !== inside.size) throw new Error("a cohort is not whole");
    return true;
  }

  it(`in ${CASES} random cases`, { timeout: 120_000 }, () => {
    let released = 0;
    forSeeds(CASES, (d) => {
      if (releasedIn(d)) released += 1;
    });
    expect(released).toBeGreaterThan(CASES / 100);
  });
});
