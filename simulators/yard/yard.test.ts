import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import modbus from "modbus-serial";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { siteSchema } from "../../gateway/site/schema.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import {
  mosquittoIsMissing,
  mosquittoPub,
  mosquittoSub,
  openMosquitto,
} from "../../test/support/mosquitto.ts";
import {
  faultFromText,
  openSimulators,
  planVillage,
  type Manifest,
  type SimulatorOptions,
} from "../index.ts";
import { openVillage } from "../village/village.ts";
import { levelOf } from "../village/yard.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const commissioned = instant(Date.UTC(2026, 5, 15, 6, 50));
const log = openLog("test", new Writable({ write: (_chunk, _encoding, done) => done() }));
const plan = planVillage({ seed: 3, households: 1, yard: true });

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "fieldwatt-yard-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const open = (options: Partial<SimulatorOptions> = {}) =>
  openSimulators(plan, { clock: new ManualClock(commissioned), commissioned, dataDir, log, ...options });

/** By modbus-serial from npm: the relay, and the water over the probe by the sheet of the module (4 mA is 0, 20 mA 5 m). */
async function withClient<Result>(
  { switches }: Manifest,
  ask: (client: InstanceType<typeof modbus.default>) => Promise<Result>,
): Promise<Result> {
  const pump = switches.find(({ id }) => id === "pump")?.connection;
  if (pump?.kind !== "modbus-tcp") throw new Error("the pump is on Modbus TCP");
  const client = new modbus.default();
  await client.connectTCP(pump.host, { port: pump.port });
  client.setID(pump.unit);
  client.setTimeout(2_000);
  try {
    return await ask(client);
  } finally {
    await new Promise<void>((resolve) => client.close(() => resolve()));
  }
}
const coil = (manifest: Manifest) =>
  withClient(manifest, async (client) => (await client.readCoils(0, 1)).data[0]);
const switchPump = (manifest: Manifest, on: boolean) =>
  withClient(manifest, (client) => client.writeCoil(0, on));
const level = (manifest: Manifest) =>
  withClient(manifest, async (client) => {
    client.setID(3);
    const [microamperes = NaN] = (await client.readInputRegisters(0, 1)).data;
    return ((microamperes - 4_000) / 16_000) * 5;
  });

describe("the yard on its wires", () => {
  it("stands in a valid site file, with its switches, in a village of one house", async () => {
    await using simulators = await open();
    const { place, members, devices, switches } = simulators.manifest;
    const site = {
      ...{ id: "village", name: "Village", ...place, members, devices },
      ...{ broker: { port: 0 }, portal: { port: 0 }, flows: { actuators: switches } },
    };
    expect(siteSchema.safeParse(site).error?.issues).toBeUndefined();
    expect(switches.map(({ id }) => id)).toEqual(["pump", "heavy-loads"]);
    expect(devices.filter(({ member }) => member === undefined)).toHaveLength(6);
  });

  it("has a pump whose coil raises the tank", async () => {
    const clock = new ManualClock(commissioned);
    await using simulators = await open({ clock });
    const { manifest } = simulators;
    expect([await coil(manifest), await level(manifest)]).toEqual([false, expect.closeTo(0.51, 3)]);
    await switchPump(manifest, true);
    expect(await coil(manifest)).toBe(true);
    await clock.advance(HOUR);
    const { yard } = openVillage({
      ...{ seed: 3, households: 1, commissioned },
      yard: [{ time: commissioned, what: "pump", on: true }],
    }).at(clock.now());
    expect(await level(manifest)).toBeCloseTo(yard ? levelOf(yard) : NaN, 3);
    expect(await level(manifest)).toBeGreaterThan(1.2);
  });

  it("comes back from a restart as if it had never stopped", async () => {
    const clock = new ManualClock(commissioned);
    const first = await open({ clock });
    await switchPump(first.manifest, true);
    await clock.advance(20 * MINUTE);
    const before = await level(first.manifest);
    await first[Symbol.asyncDispose]();
    // Half a line of a power cut, and one of another clock.
    appendFileSync(join(dataDir, "switchings.jsonl"), `[${commissioned + HOUR},"pump",false]\n[178`);
    await using second = await open({ clock });
    expect(await coil(second.manifest)).toBe(true);
    expect(await level(second.manifest)).toBe(before);
  });

  it("has values that a fault shifts for a while, and refuses one of a quantity that is not measured", async () => {
    await using simulators = await open({ faults: [faultFromText("shift:yard-tank:tankLevel:-0.2")] });
    expect(await level(simulators.manifest)).toBeCloseTo(0.31, 3);
    simulators.inject(faultFromText("shift:yard-tank:tankLevel:1"), 60_000);
    expect(await level(simulators.manifest)).toBeCloseTo(1.31, 3);
    for (const fault of [
      "shift:yard-tank:airTemperature:1",
      "shift:yard-relay:activePower:1",
      "dead:yard-well",
    ])
      expect(() => simulators.inject(faultFromText(fault), 1_000)).toThrow(
        expect.objectContaining({ code: "OPTION_INVALID" }),
      );
  });

  it.each(["dead:yard-relay", "slow:yard-relay:60000"])(
    "a fault of the relay (%s) is its own",
    async (fault) => {
      await using simulators = await open({ faults: [faultFromText(fault)] });
      await expect(coil(simulators.manifest)).rejects.toThrow(/Timed out/);
      expect(await level(simulators.manifest)).toBeCloseTo(0.51, 3);
    },
  );
});

describe.skipIf(mosquittoIsMissing())("the yard behind Mosquitto", () => {
  const passwords = Object.fromEntries(
    [...plan.devices, ...plan.yard].map(({ id }) => [id, "any of them is let in"]),
  );
  const LOADS = "devices/yard-loads";
  const PATIENCE = { timeout: 15_000 };

  it("has a plug that mosquitto_pub switches as it would a Tasmota, and that says what it is", async () => {
    await using broker = await openMosquitto(dataDir);
    const clock = new ManualClock(commissioned);
    await using sub = mosquittoSub(broker.port, ["devices/#"]);
    await using _simulators = await open({
      clock,
      mqtt: { url: `mqtt://127.0.0.1:${broker.port}`, passwords },
    });
    const said = (topic: string) => sub.heard.get(`${LOADS}/${topic}`) ?? "";
    const power = () =>
      (JSON.parse(said("tele/SENSOR") || "{}") as { ENERGY?: { Power: number } }).ENERGY?.Power;
    /** Said until it is heard: a client subscribes in its own time. */
    const command = (payload: string, state: string) =>
      expect
        .poll(async () => {
          if (said("stat/POWER") !== state)
            await mosquittoPub(broker.port, ["-t", `${LOADS}/cmnd/POWER`, "-m", payload]);
          return [said("stat/POWER"), said("stat/RESULT")];
        }, PATIENCE)
        .toEqual([state, `{"POWER":"${state}"}`]);
    await expect.poll(power, PATIENCE).toBe(700);
    await command("OFF", "OFF");
    await clock.advance(MINUTE);
    await expect.poll(power, PATIENCE).toBe(0);
    await mosquittoPub(broker.port, ["-t", `${LOADS}/cmnd/POWER`, "-m", "perhaps"]);
    await command("on", "ON");
    await clock.advance(MINUTE);
    await expect.poll(power, PATIENCE).toBe(700);
  });

  it("has a fridge whose thermometer speaks on its topic, warmer while its door is open", async () => {
    await using broker = await openMosquitto(dataDir);
    const clock = new ManualClock(commissioned);
    await using sub = mosquittoSub(broker.port, ["devices/yard-fridge"]);
    await using simulators = await open({
      clock,
      mqtt: { url: `mqtt://127.0.0.1:${broker.port}`, passwords },
    });
    const temperature = () =>
      (JSON.parse(sub.heard.get("devices/yard-fridge") ?? "{}") as { temperature?: number }).temperature;
    const next = async () => {
      await clock.advance(MINUTE);
      return temperature();
    };
    await expect.poll(next, PATIENCE).toBeCloseTo(5, 0);
    simulators.inject(faultFromText("shift:yard-fridge:airTemperature:6"), 60_000);
    await expect.poll(next, PATIENCE).toBeGreaterThan(9);
  });
});
