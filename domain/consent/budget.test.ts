import { describe, expect, it } from "vitest";
import { forSeeds } from "../../test/consent/random-case.ts";
import { memberId, rationalFromText, type MemberId } from "../model/index.ts";
import { canSpend, emptyLedger, spend, spentBy, type EpsilonLedger } from "./budget.ts";

const caps = { eachPurposeAndRecipient: rationalFromText("1"), inAll: rationalFromText("3/2") };
const [anna, ben] = [memberId("anna"), memberId("ben")];
const use = (recipient: string, epsilon: string) => ({
  purpose: "dpv:ScientificResearch",
  recipient,
  epsilon: rationalFromText(epsilon),
});
const after = (...uses: [MemberId, string, string][]): EpsilonLedger =>
  uses.reduce((ledger, [member, to, epsilon]) => spend(ledger, [member], use(to, epsilon)), emptyLedger);

describe("the privacy budget", () => {
  it.each<[string, EpsilonLedger, MemberId, string, string, boolean]>([
    ["up to the cap", emptyLedger, anna, "hub", "1", true],
    ["not beyond it", emptyLedger, anna, "hub", "1000001/1000000", false],
    [
      "up to it in thirds, which no float adds to 1",
      after([anna, "hub", "1/3"], [anna, "hub", "1/3"]),
      anna,
      "hub",
      "1/3",
      true,
    ],
    ["not a crumb more", after([anna, "hub", "1"]), anna, "hub", "1/1000000", false],
    [
      "with another recipient, up to the cap over all",
      after([anna, "hub", "1"]),
      anna,
      "university",
      "1/2",
      true,
    ],
    ["not beyond the cap over all", after([anna, "hub", "1"]), anna, "university", "2/3", false],
    ["whatever others spent", after([ben, "hub", "1"]), anna, "hub", "1", true],
  ])("is spent %s", (_what, ledger, member, recipient, epsilon, allowed) => {
    expect(canSpend({ ledger, caps }, member, use(recipient, epsilon))).toBe(allowed);
  });

  it("without caps is nothing", () => {
    expect(canSpend({ ledger: emptyLedger, caps: undefined }, anna, use("hub", "1/1000"))).toBe(false);
  });

  it("leaves the ledger that it came from as it was", () => {
    const before = after([anna, "hub", "1/2"]);
    spend(before, [anna, ben], use("hub", "1/2"));
    expect(spentBy(before, anna, use("hub", "1"))).toEqual({
      forUse: rationalFromText("1/2"),
      inAll: rationalFromText("1/2"),
    });
    expect(spentBy(before, ben, use("hub", "1")).inAll).toEqual(rationalFromText("0"));
  });

  it("never passes a cap, counted in sixtieths", { timeout: 300_000 }, () => {
    forSeeds(100_000, (d) => {
      let ledger = emptyLedger;
      const counted = new Map<string, number>();
      for (let i = 0; i < 5; i++) {
        const [recipient, sixtieths] = [
          d.pick(["hub", "university"] as const),
          d.pick([10, 12, 15, 20, 30, 60] as const),
        ];
        const next = use(recipient, `${sixtieths}/60`);
        const [forUse, inAll] = [
          (counted.get(recipient) ?? 0) + sixtieths,
          (counted.get("all") ?? 0) + sixtieths,
        ];
        const allowed = canSpend({ ledger, caps }, anna, next);
        if (allowed !== (forUse <= 60 && inAll <= 90)) throw new Error(`${forUse} ${inAll} ${allowed}`);
        if (!allowed) continue;
        ledger = spend(ledger, [anna], next);
        counted.set(recipient, forUse).set("all", inAll);
      }
    });
  });
});
