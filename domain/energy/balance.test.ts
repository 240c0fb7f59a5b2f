import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addBalances,
  balanceOf,
  selfConsumptionRate,
  selfSufficiency,
  type MeteredEnergy,
} from "./balance.ts";
import type { EnergyBalance } from "../model/index.ts";

const wh = fc.integer({ min: 0, max: 50_000 });
const metered: fc.Arbitrary<MeteredEnergy> = fc.record({
  import: wh,
  export: wh,
  production: wh,
  charge: wh,
  discharge: wh,
});

describe("the household balance", () => {
  it("always adds up: import + production + discharge = consumption + export + charge", () => {
    fc.assert(
      fc.property(fc.array(metered, { maxLength: 96 }), (slots) => {
        const sum = addBalances(slots.map(balanceOf).filter((b) => b !== undefined));
        expect(sum.import + sum.production + sum.discharge).toBe(sum.consumption + sum.export + sum.charge);
      }),
      { seed: 7 },
    );
  });

  it("is unknown, not negative, when more left than came in", () => {
    expect(balanceOf({ import: 0, export: 500, production: 400, charge: 0, discharge: 0 })).toBeUndefined();
  });

  // A day by hand: 12 kWh from the roof, 5 kWh of it sold, 4 kWh bought: 11 kWh used, 7 kWh of them from the roof.
  it("gives the shares that people ask for", () => {
    const day = balanceOf({
      import: 4000,
      export: 5000,
      production: 12_000,
      charge: 0,
      discharge: 0,
    }) as EnergyBalance;
    expect(day).toMatchObject({ consumption: 11_000, selfConsumption: 7000 });
    expect(selfConsumptionRate(day)).toBeCloseTo(7 / 12);
    expect(selfSufficiency(day)).toBeCloseTo(7 / 11);
  });

  it("has no share of nothing", () => {
    const night = balanceOf({
      import: 0,
      export: 0,
      production: 0,
      charge: 0,
      discharge: 0,
    }) as EnergyBalance;
    expect([selfConsumptionRate(night), selfSufficiency(night)]).toEqual([undefined, undefined]);
  });
});
