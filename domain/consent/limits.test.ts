import { describe, expect, it } from "vitest";
import { forSeeds, randomLimits, randomPolicy, type Dice } from "../../test/consent/random-case.ts";
import { compareRationals } from "../model/index.ts";
import { meet, rulesFor, rulesOf, type Rules } from "./limits.ts";

const CASES = 100_000;

function randomRules(d: Dice): Rules {
  const [offer] = randomPolicy(d).offers;
  return offer ? rulesFor(rulesOf(offer), randomLimits(d)) : randomRules(d);
}

const same = (a: Rules, b: Rules): boolean => text(a) === text(b);
const text = (rules: Rules): string =>
  JSON.stringify(rules, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));

/** Field by field, written a second time. */
function noLooser(a: Rules, b: Rules): boolean {
  const epsilon =
    b.epsilon === "exact" || (a.epsilon !== "exact" && compareRationals(a.epsilon, b.epsilon) <= 0);
  return (
    a.granularity >= b.granularity &&
    a.window.from >= b.window.from &&
    a.window.to <= b.window.to &&
    a.retentionDays <= b.retentionDays &&
    a.leastMembers >= b.leastMembers &&
    a.largestSharePercent <= b.largestSharePercent &&
    a.clamp <= b.clamp &&
    a.round >= b.round &&
    epsilon
  );
}

describe("the meet of two sets of rules", () => {
  it("is the same in either order, in any grouping, and with itself", { timeout: 300_000 }, () => {
    forSeeds(CASES, (d) => {
      const [a, b, c] = [randomRules(d), randomRules(d), randomRules(d)];
      const laws = [
        same(meet(a, a), a),
        same(meet(a, b), meet(b, a)),
        same(meet(meet(a, b), c), meet(a, meet(b, c))),
        noLooser(meet(a, b), a) && noLooser(meet(a, b), b),
      ];
      if (laws.includes(false)) throw new Error(`${laws}: ${text(a)} ${text(b)} ${text(c)}`);
    });
  });

  it("with any limit is never looser than the offer", { timeout: 300_000 }, () => {
    let stricter = 0;
    forSeeds(CASES, (d) => {
      const [offer] = randomPolicy(d).offers;
      if (!offer) return;
      const [rules, own] = [rulesOf(offer), rulesFor(rulesOf(offer), randomLimits(d))];
      if (!noLooser(own, rules)) throw new Error(`${text(own)} for ${text(rules)}`);
      if (!same(own, rules)) stricter += 1;
    });
    expect(stricter).toBeGreaterThan(CASES / 10);
  });
});
