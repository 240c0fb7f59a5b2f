import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apportion, clearSlot, midMarketPrice, type Whole } from "./index.ts";

interface Priced {
  readonly price: number;
}
interface MidVector {
  readonly id: string;
  readonly input: {
    readonly buys?: readonly Priced[];
    readonly sells?: readonly Priced[];
    readonly divider?: readonly [number, number];
    readonly retail?: number;
    readonly feed_in?: number;
    readonly demand?: Whole;
    readonly supply?: Whole;
  };
  readonly public_expected?: { readonly price?: number; readonly exact?: string };
  readonly engine_expected?: {
    readonly mid_x2: number;
    readonly grid_import: number;
    readonly grid_export: number;
    readonly buyers_total: number;
    readonly sellers_total: number;
    readonly pay: Whole;
    readonly receive: Whole;
  };
}
interface ApportionVector {
  readonly id: string;
  readonly input: { readonly total: number; readonly weights: Whole };
  readonly engine_expected: Whole;
}

// Sources stand beside every vector in the file.
const vectors = JSON.parse(
  readFileSync(new URL("../../test/captures/trading.json", import.meta.url), "utf8"),
) as { mmr: MidVector[]; apportion: ApportionVector[] };
const priceVectors = vectors.mmr.filter((vector) => vector.public_expected);
const slotVectors = vectors.mmr.filter((vector) => vector.engine_expected);

const total = (amounts: Whole): number => Object.values(amounts).reduce((all, one) => all + one, 0);
const reversed = (amounts: Whole): Whole => Object.fromEntries(Object.entries(amounts).toReversed());

describe("apportion", () => {
  it.each(vectors.apportion)("gives the shares of $id", ({ input, engine_expected }) => {
    expect(apportion(input.total, input.weights)).toEqual(engine_expected);
  });

  it("is exact where total × weight passes 2^53", () => {
    // 9×10^15 shared 1:2 by hand: 3×10^15 and 6×10^15; in floating point the product 1.8×10^31 is not exact.
    const weights = { a: 3_000_000_000_000_001, b: 6_000_000_000_000_002 };
    expect(apportion(9_000_000_000_000_000, weights)).toEqual({
      a: 3_000_000_000_000_000,
      b: 6_000_000_000_000_000,
    });
  });

  it.each([
    { why: "nobody can take it", total: 1, weights: { a: 0 } },
    { why: "there is nobody", total: 1, weights: {} },
    { why: "a weight is negative", total: 1, weights: { a: -1, b: 3 } },
    { why: "a weight is not whole", total: 1, weights: { a: 0.5 } },
    { why: "the total is not whole", total: 0.5, weights: { a: 1 } },
  ])("refuses when $why", ({ total, weights }) => {
    expect(() => apportion(total, weights)).toThrow(RangeError);
  });

  it("sums to the total, differs from the exact share by less than one unit, and ignores input order", () => {
    const weights = fc.dictionary(fc.string({ minLength: 1 }), fc.nat(1_000_000), {
      minKeys: 1,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), weights, (amount, shares) => {
        fc.pre(total(shares) > 0);
        const result = apportion(amount, shares);
        expect(total(result)).toBe(amount);
        expect(apportion(amount, reversed(shares))).toEqual(result);
        for (const [id, weight] of Object.entries(shares)) {
          expect(Math.abs((result[id] ?? NaN) - (amount * weight) / total(shares))).toBeLessThan(1);
        }
      }),
    );
  });
});

describe("the mid-market price", () => {
  it.each(priceVectors)("is that of $id", ({ input, public_expected }) => {
    const [numerator, denominator] = input.divider ?? [1, 2];
    const references = {
      buyers: (input.buys ?? []).map(({ price }) => price),
      sellers: (input.sells ?? []).map(({ price }) => price),
    };
    const mid = midMarketPrice(references, { numerator, denominator });
    const [top, bottom] = public_expected?.exact?.split("/").map(Number) ?? [public_expected?.price, 1];
    expect(mid.numerator * Number(bottom)).toBe(Number(top) * mid.denominator);
  });

  it("is 0 without buyers", () => {
    // INESC rec-operation, test_compute_mmr: no buyers gives 0.
    expect(midMarketPrice({ buyers: [], sellers: [10] })).toEqual({ numerator: 0, denominator: 1 });
  });
});

describe("clearing a slot", () => {
  it.each(slotVectors)("settles $id", ({ input, engine_expected: expected }) => {
    const { retail = NaN, feed_in: feedIn = NaN, demand = {}, supply = {} } = input;
    const result = clearSlot({ retail, feedIn, demand, supply, whPerPriceUnit: 1 });
    expect({
      mid_x2: result.twiceMid,
      grid_import: result.demandWh - result.tradedWh,
      grid_export: result.supplyWh - result.tradedWh,
      buyers_total: total(result.paid),
      sellers_total: total(result.received),
      pay: result.paid,
      receive: result.received,
    }).toEqual(expected);
  });

  it("rounds the grid's bill once, a half up, to whole minor units", () => {
    // By hand: 25 a kWh × 100 Wh = 2.5 → 3; shared 1:1 → 2 and 1, the odd unit to the smallest id.
    const result = clearSlot({
      retail: 25,
      feedIn: 10,
      demand: { b: 50, a: 50 },
      supply: {},
      whPerPriceUnit: 1000,
    });
    expect(result).toMatchObject({
      gridBill: 3,
      gridCredit: 0,
      paid: { a: 2, b: 1 },
      received: {},
      tradedWh: 0,
    });
  });

  it.each([
    { why: "pays more than it charges", retail: 10, feedIn: 12, credit: 24 },
    { why: "charges for taking", retail: 10, feedIn: -3, credit: -6 },
  ])("settles all with the grid when the grid $why", ({ retail, feedIn, credit }) => {
    // By hand: 3 kWh × 10 = 30 is paid to the grid, 2 kWh × feed-in comes from it.
    const slot = { retail, feedIn, demand: { a: 1000, b: 2000 }, supply: { x: 2000 }, whPerPriceUnit: 1000 };
    expect(clearSlot(slot)).toMatchObject({
      suspended: true,
      tradedWh: 0,
      gridBill: 30,
      gridCredit: credit,
      paid: { a: 10, b: 20 },
      received: { x: credit },
      fromVillageWh: { a: 0, b: 0 },
      toVillageWh: { x: 0 },
    });
  });

  const ids = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const energy = fc.dictionary(ids, fc.nat(20_000), { noNullPrototype: true });
  const anySlot = fc.record({
    retail: fc.integer({ min: -50, max: 5000 }),
    feedIn: fc.integer({ min: -50, max: 5000 }),
    demand: energy,
    supply: energy,
    whPerPriceUnit: fc.constantFrom(1, 1000),
  });

  it("conserves energy and money exactly, and ignores input order", () => {
    fc.assert(
      fc.property(anySlot, (slot) => {
        const result = clearSlot(slot);
        expect(total(result.paid) - total(result.received)).toBe(result.gridBill - result.gridCredit);
        expect(total(result.fromVillageWh)).toBe(total(result.toVillageWh));
        expect(total(result.fromVillageWh)).toBe(result.tradedWh);
        const other = clearSlot({ ...slot, demand: reversed(slot.demand), supply: reversed(slot.supply) });
        expect(other).toEqual(result);
      }),
    );
  });

  it("never gives a member more village energy than they bought or sold", () => {
    fc.assert(
      fc.property(anySlot, (slot) => {
        const { fromVillageWh, toVillageWh } = clearSlot(slot);
        for (const [id, wh] of Object.entries(slot.demand)) expect(fromVillageWh[id]).toBeLessThanOrEqual(wh);
        for (const [id, wh] of Object.entries(slot.supply)) expect(toVillageWh[id]).toBeLessThanOrEqual(wh);
      }),
    );
  });

  it("lets nobody pay more than retail, nor get less than the grid pays, but for rounding", () => {
    // One unit of the member's own rounding, and at most half a unit that the grid's bill was rounded by.
    const rounding = 1.5;
    fc.assert(
      fc.property(anySlot, (slot) => {
        const { paid, received, suspended } = clearSlot(slot);
        fc.pre(!suspended);
        for (const [id, wh] of Object.entries(slot.demand)) {
          expect(paid[id]).toBeLessThanOrEqual((wh * slot.retail) / slot.whPerPriceUnit + rounding);
        }
        for (const [id, wh] of Object.entries(slot.supply)) {
          expect(received[id]).toBeGreaterThanOrEqual(
            (wh * slot.feedIn) / slot.whPerPriceUnit - rounding - 1,
          );
        }
      }),
    );
  });
});
