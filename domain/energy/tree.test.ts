import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  householdBalance,
  residuals,
  topmost,
  villageBalance,
  type Counted,
  type TreeDevice,
} from "./tree.ts";

const device = (id: string, mounting: TreeDevice["mounting"], under?: string): TreeDevice => ({
  id,
  mounting,
  ...(under !== undefined && { under }),
});
const counted = (entries: Record<string, [into: number, outOf: number]>) =>
  new Map(Object.entries(entries).map(([id, [into, outOf]]) => [id, { import: into, export: outOf }]));

/** A house by hand: 900 Wh from the roof, 400 sold, 250 bought, 100 into the battery: 650 used, 300 of it by the pump. */
const HOUSE = [
  device("grid", "grid"),
  device("roof", "solar", "grid"),
  device("string-a", "solar", "roof"),
  device("store", "battery", "grid"),
  device("kitchen", "load", "grid"),
  device("pump", "pump", "kitchen"),
];
const HOUR = counted({
  grid: [250, 400],
  roof: [0, 900],
  "string-a": [0, 500],
  store: [100, 0],
  kitchen: [450, 0],
  pump: [300, 0],
});

describe("a household", () => {
  it("adds up, and counts what hangs below another of its kind once", () => {
    expect(householdBalance(HOUSE, HOUR)).toMatchObject({
      kind: "known",
      balance: { import: 250, export: 400, production: 900, charge: 100, discharge: 0, consumption: 650 },
      metered: 450,
    });
    expect(topmost(HOUSE, "solar").map(({ id }) => id)).toEqual(["roof"]);
  });

  it("names the device that leaves it unknown", () => {
    const without = new Map([...HOUR].filter(([id]) => id !== "store"));
    expect(householdBalance(HOUSE, without)).toEqual({ kind: "unknown", devices: ["store"] });
  });

  it("that says more than can be is told with the difference", () => {
    const kitchen = new Map(HOUR).set("kitchen", { import: 200, export: 0 });
    expect(residuals(HOUSE, kitchen).find(({ id }) => id === "kitchen")).toMatchObject({
      wattHours: -100,
      contradiction: true,
    });
    const more = new Map(HOUR).set("grid", { import: 0, export: 1000 });
    expect(householdBalance(HOUSE, more)).toEqual({ kind: "contradiction", wattHours: 200 });
  });

  it("holds each device against what is under it", () => {
    // Grid: 250 − 400 = −150 in; below it −900 (roof) + 100 (battery) + 450 (kitchen) = −350: 200 Wh that nobody meters.
    expect(residuals(HOUSE, HOUR)).toEqual([
      { id: "grid", wattHours: 200, contradiction: false, losses: false },
      { id: "roof", wattHours: 400, contradiction: false, losses: false },
      { id: "kitchen", wattHours: 150, contradiction: false, losses: false },
    ]);
  });
});

describe("a village under one feeder", () => {
  const VILLAGE = [
    device("feeder", "grid"),
    device("a", "grid", "feeder"),
    device("a-roof", "solar", "a"),
    device("b", "grid", "feeder"),
    device("well", "pump", "feeder"),
  ];
  // 1000 from outside, 300 from a's roof to b and the well; 1300 for b and 90 for … : the wires lose what is left.
  const hour = counted({ feeder: [1000, 0], a: [0, 300], "a-roof": [0, 450], b: [1100, 0], well: [160, 0] });

  it("has its losses between the feeder and the meters under it", () => {
    // 1000 − (−300 + 1100 + 160) = 40 Wh lost; used: 1000 + 450 − 40 = 1410 = 150 (a) + 1100 (b) + 160 (well).
    expect(villageBalance(VILLAGE, hour)).toMatchObject({
      import: 1000,
      export: 0,
      production: 450,
      consumption: 1410,
      losses: 40,
      unknown: [],
    });
  });

  it("leaves unknown what a silent meter leaves unknown, and says the rest", () => {
    const without = new Map([...hour].filter(([id]) => id !== "b"));
    const balance = villageBalance(VILLAGE, without);
    expect(balance).toMatchObject({ import: 1000, production: 450, unknown: ["b"] });
    expect([balance.consumption, balance.losses]).toEqual([undefined, undefined]);
  });
});

describe("random trees", () => {
  /** Each device hangs under an earlier one, so that there is no circle; the true flows go from the leaves up. */
  const trees = fc.array(
    fc.record({
      mounting: fc.constantFrom<TreeDevice["mounting"]>("grid", "solar", "battery", "load", "pump"),
      under: fc.nat({ max: 20 }),
      own: fc.record({ import: fc.nat({ max: 900 }), export: fc.nat({ max: 900 }) }),
      loss: fc.nat({ max: 50 }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  type Tree = { devices: TreeDevice[]; counted: Map<string, Counted>; losses: number };

  function grow(
    list: ReadonlyArray<{ mounting: TreeDevice["mounting"]; under: number; own: Counted; loss: number }>,
  ): Tree {
    const devices: TreeDevice[] = [device("0", "grid")];
    const flows = new Map<string, Counted>();
    for (const [i, { mounting, under }] of list.entries()) {
      // Sources and loads end a branch; grid meters carry it on.
      const grids = devices.filter((one) => one.mounting === "grid");
      devices.push(device(String(i + 1), mounting, grids[under % grids.length]?.id ?? "0"));
    }
    let losses = 0;
    for (let i = devices.length - 1; i >= 0; i--) {
      const { id, mounting } = devices[i] as TreeDevice;
      const { own, loss } = list[i - 1] ?? { own: { import: 0, export: 0 }, loss: 3 };
      const children = devices.filter(({ under }) => under === id);
      let net = own.import - own.export;
      for (const child of children)
        net += (flows.get(child.id)?.import ?? 0) - (flows.get(child.id)?.export ?? 0);
      if (mounting === "grid" && children.some((child) => child.mounting === "grid")) {
        net += loss - own.import + own.export;
        losses += loss;
      }
      if (mounting !== "grid") flows.set(id, own);
      // A meter counts both ways within a quarter hour: any pair with the right difference will do.
      else flows.set(id, { import: Math.max(0, net) + own.export, export: Math.max(0, -net) + own.export });
    }
    return { devices, counted: flows, losses };
  }

  it("balance exactly in every interval, and losses are those that were put in", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(trees, (list) => {
        const { devices, counted: flows, losses } = grow(list);
        const b = villageBalance(devices, flows);
        const left = (b.import ?? NaN) + (b.production ?? NaN) + (b.discharge ?? NaN);
        const right = (b.consumption ?? NaN) + (b.export ?? NaN) + (b.charge ?? NaN) + (b.losses ?? NaN);
        if (left !== right) throw new Error(`${left} came in, ${right} is accounted for`);
        if (b.losses !== losses) throw new Error(`${b.losses} Wh of losses, not ${losses}`);
        if (residuals(devices, flows).some((one) => one.losses && one.wattHours < 0))
          throw new Error("a feeder that adds up is said not to");
      }),
      { seed: 20260615, numRuns: 100_000 },
    );
  });

  it("never turn an unknown device into a zero", () => {
    fc.assert(
      fc.property(trees, fc.nat(), (list, which) => {
        const { devices, counted: flows } = grow(list);
        const missing = devices[which % devices.length]?.id ?? "0";
        flows.delete(missing);
        const b = villageBalance(devices, flows);
        const matters = b.unknown.includes(missing);
        expect(b.consumption === undefined).toBe(matters);
      }),
      { seed: 20260615, numRuns: 5_000 },
    );
  });
});
