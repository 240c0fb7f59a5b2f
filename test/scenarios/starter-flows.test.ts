import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Quantity } from "../../domain/model/index.ts";
import { nodeRedIsMissing } from "../support/node-red.ts";
import { openStarterVillage, type StarterVillage } from "../support/starter-village.ts";
import { eventually as within } from "./kit.ts";

/**
 * Every starter flow in the simulated village of `npm start -- --flows`, imported as it is: what it does to pump, tank,
 * battery and people. One village for all, whose day passes in five minutes; each state is waited for, also
 * into the next day on a machine that was slow to begin.
 */
const SPEED = 300;
/** Sun all day. */
const SEED = 3;
const PATIENCE_MS = 250_000;
vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });
const eventually: typeof within = (what, probe) => within(what, probe, PATIENCE_MS);

const FAULTS = {
  "heavy-use": ["shift:yard-meter:activePower:4000", 4],
  "cold-evening": ["shift:household-01-weather:airTemperature:-20", 6],
  "open-door": ["shift:yard-fridge:airTemperature:6", 6],
} as const;
const STARTERS = ["tank-level", "frost-alert", "load-shedding", "cold-chain", "evening-report"];
/** One for each node that no starter flow uses. */
const EXAMPLES = ["reading", "summary", "advice", "fault"].map((node) => `nodes/${node}`);
const HOUR_MS = 3_600_000;

describe.skipIf(nodeRedIsMissing())("a starter flow in the simulated village", () => {
  let folder = "";
  let village: StarterVillage;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fieldwatt-starters-"));
    village = await openStarterVillage({ folder, seed: SEED, speed: SPEED, faults: FAULTS });
    await village.deploy(STARTERS);
  });
  afterAll(async () => {
    await village[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const alert = (key: string, text: RegExp, after = 0) =>
    eventually(`${key}: ${text.source}`, () =>
      village.alerts().find((one) => one.key === key && one.time > after && text.test(one.text)),
    );
  /** The first switching by a flow's command after a time. */
  const switched = (actuator: string, wanted: "on" | "off", after = 0) =>
    eventually(`a flow switches ${actuator} ${wanted}`, () =>
      village
        .events(actuator)
        .filter(({ outcome, because }) => outcome === "switched" && because === "command")
        .find((one) => one.wanted === wanted && one.time > after),
    );
  const values = (device: string, quantity: Quantity, from: number, to = Infinity): number[] =>
    village
      .readings(device, quantity)
      .filter(({ time }) => time >= from && time <= to)
      .map(({ value }) => value);

  it("tank level: says that it is low", async () => {
    expect(await alert("tank", /^The tank is low: 0\.(?:[0-4]\d|50) m of water\.$/)).toMatchObject({
      severity: "warning",
    });
  });

  it("solar pump: runs in the sun's surplus and the tank rises; stops when the house buys", async () => {
    await village.deploy([...STARTERS, "solar-pump"]);
    const on = await switched("pump", "on");
    await eventually("the relay's coil is on", () => village.coil());
    const before = values("yard-meter", "activePower", on.time - HOUR_MS / 2, on.time);
    expect(Math.min(...before)).toBeLessThan(-600);
    const level = values("yard-tank", "tankLevel", 0, on.time).at(-1) ?? NaN;
    await eventually("the tank has risen", () =>
      values("yard-tank", "tankLevel", on.time).some((risen) => risen > level + 0.3),
    );
    await village.press("heavy-use");
    const off = await switched("pump", "off", on.time);
    const bought = values("yard-meter", "activePower", off.time - HOUR_MS / 4, off.time);
    expect(Math.max(...bought)).toBeGreaterThan(50);
    const falls = village.switchings().filter(([, what, isOn]) => what === "pump" && !isOn);
    expect(falls.some(([time]) => Math.abs(time - off.time) < HOUR_MS / 4)).toBe(true);
  });

  it("load shedding: heavy loads go before the battery is empty, it falls no further, and they come back", async () => {
    await alert("battery", /^The battery is at 2\d(\.\d)? %: heavy loads are off\.$/);
    const off = await switched("heavy-loads", "off");
    await eventually("the plug is off", () =>
      village
        .switchings()
        .some(([time, what, isOn]) => what === "loads" && !isOn && time > off.time - HOUR_MS / 4),
    );
    await alert("battery", /^The battery is at 4\d(\.\d)? %: heavy loads are back\.$/, off.time);
    const back = await switched("heavy-loads", "on", off.time);
    const charge = values("yard-battery", "stateOfCharge", off.time + HOUR_MS / 4, back.time);
    expect(charge.length).toBeGreaterThan(1);
    expect(charge).toEqual(charge.toSorted((a, b) => a - b));
    expect(Math.min(...values("yard-battery", "stateOfCharge", 0))).toBeGreaterThan(20);
    const after = values("yard-loads", "activePower", off.time + HOUR_MS / 4, back.time - HOUR_MS / 4);
    expect(Math.max(...after)).toBe(0);
  });

  it("frost alert: says it in a cold evening", async () => {
    await village.press("cold-evening");
    expect(await alert("frost", /^Frost is near: /)).toMatchObject({ severity: "alarm" });
  });

  it("cold chain: a door that is open is an alarm, and well again is said when it is shut", async () => {
    await village.press("open-door");
    const warm = await alert("fridge", /^The fridge is warm: (9|1[012])\.\d °C for \d+ minutes\./);
    expect(warm.severity).toBe("alarm");
    await alert("fridge", /^The fridge is well again: [4-7]\.\d °C\.$/, warm.time);
  });

  it("evening report: the village's figures, in words", async () => {
    // Three houses and the yard: unknown until a quarter hour is, and nothing is made before the sun is up.
    const [made, used] = await eventually("a report with figures", async () => {
      await village.press("evening-seven");
      const texts = village.alerts().filter(({ key }) => key === "evening");
      const figures = texts.flatMap(({ text }) => figuresOf(text) ?? []);
      return figures.find(([kwh]) => kwh > 1);
    });
    expect(used).toBeGreaterThan(0.5);
    expect(made).toBeLessThan(50);
    expect(used).toBeLessThan(50);
  });

  it("the examples of the other nodes: write, hand over, ask and break, at one press", async () => {
    await village.deploy([...STARTERS, "solar-pump", ...EXAMPLES]);
    const isDeployed = () =>
      village.press("write-press").then(
        () => true,
        () => false,
      );
    await eventually("the examples' buttons", isDeployed);
    await alert("example-reading", /^Kept at .*: 650 W\/m²\.$/);
    expect(values("yard-forecast", "solarIrradiance", 0)).toEqual([650]);
    await village.press("ask-press");
    await alert("example-advice", /household-01/);
    // Household 2 has no field of its own, and agreed to advice as all but the last did.
    await village.press("give-press");
    await alert("example-summary", /^The day (is on its way, under farm-advice|stays here: \w+)\.$/);
    const before = values("yard-fridge", "airTemperature", 0).length;
    await village.press("break-press");
    await eventually("a fridge with its door open", () =>
      values("yard-fridge", "airTemperature", 0)
        .slice(before)
        .some((value) => value > 8.5),
    );
  });

  it("tank level: says that it is full, and no water is spilled", async () => {
    await alert("tank", /^The tank is full: 2\.[89]\d m of water\.$/);
    expect(Math.max(...values("yard-tank", "tankLevel", 0))).toBeLessThan(3);
  });
});

/** kWh that the sun made and the village used. */
function figuresOf(text: string): [made: number, used: number][] | undefined {
  const found = /the sun made ([\d.]+) kWh, the village used ([\d.]+) kWh, \d+ % of it its own/.exec(text);
  return found ? [[Number(found[1]), Number(found[2])]] : undefined;
}
