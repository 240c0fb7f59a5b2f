import { describe, expect, it } from "vitest";
import { planVillage, type PlannedDevice } from "./plan.ts";

const count = (devices: readonly PlannedDevice[], file: string, mounting?: string): number =>
  devices.filter((d) => d.device === file && (mounting === undefined || d.mounting === mounting)).length;

describe("a village of twelve", () => {
  const { members, devices } = planVillage({ seed: 1, households: 12 });

  it.each([
    ["eastron-sdm630", "grid", 3],
    ["eastron-sdm120", "grid", 4],
    ["eastron-sdm120", "solar", 3],
    ["peacefair-pzem-004t-v3", "grid", 1],
    ["tasmota-energy", "grid", 2],
    ["shelly-energy", "grid", 2],
    ["sunspec-inverter", "solar", 3],
    ["victron-mppt", "solar", 1],
    ["zts-3000-tr-ws-n01", "soil", 1],
    ["fieldwatt-weather-station", "weather", 1],
  ])("has %s as %s: %i", (file, mounting, expected) => {
    expect(count(devices, file, mounting)).toBe(expected);
  });

  it("has one grid meter in every house, and names for all", () => {
    for (const { id } of members) {
      expect(devices.filter((d) => d.member === id && d.mounting === "grid")).toHaveLength(1);
    }
    expect(new Set(members.map((m) => m.name)).size).toBe(12);
  });

  it("hangs only meters that count both ways where panels feed in", () => {
    const feeding = devices
      .filter((d) => d.mounting === "solar" && d.device !== "victron-mppt")
      .map((d) => d.member);
    const meters = devices
      .filter((d) => d.mounting === "grid" && feeding.includes(d.member))
      .map((d) => d.device);
    expect(new Set(meters)).toEqual(new Set(["eastron-sdm120", "eastron-sdm630"]));
  });
});

describe("a village with a yard", () => {
  it.each([1, 12, 200])("of %i households has the same yard, beside the same households", (households) => {
    const plan = planVillage({ seed: 4, households, yard: true });
    const without = planVillage({ seed: 4, households });
    expect(plan).toEqual({ ...without, yard: planVillage({ seed: 9, households: 1, yard: true }).yard });
    expect(without.yard).toEqual([]);
    const ids = [...plan.devices, ...plan.yard].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("a village of any size", () => {
  it.each([1, 2, 13, 60, 200])(
    "%i: one plan, unique ids and units, the smaller one unchanged",
    (households) => {
      const plan = planVillage({ seed: 4, households });
      expect(planVillage({ seed: 4, households })).toEqual(plan);
      expect(new Set(plan.devices.map((d) => d.id)).size).toBe(plan.devices.length);
      expect(new Set(plan.members.map((m) => m.name)).size).toBe(households);
      const wires = plan.devices
        .filter((d) => d.transport.kind !== "mqtt")
        .map((d) => JSON.stringify(d.transport));
      expect(new Set(wires).size).toBe(wires.length);
      const larger = planVillage({ seed: 4, households: 200 });
      expect(larger.devices.slice(0, plan.devices.length)).toEqual(plan.devices);
    },
  );

  it.each([0, -1, 201, 1.5, Number.NaN])("refuses %d households", (households) => {
    expect(() => planVillage({ seed: 1, households })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});
