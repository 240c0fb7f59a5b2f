import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { Aedes } from "aedes";
import modbus from "modbus-serial";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant } from "../domain/model/index.ts";
import { siteSchema } from "../gateway/site/schema.ts";
import { ManualClock } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { faultFromText, openSimulators, planVillage, type Manifest, type SimulatorOptions } from "./index.ts";
import { openVillage } from "./village/village.ts";

const ModbusRTU = modbus.default;
type Client = InstanceType<typeof ModbusRTU>;

const log = openLog("test", new Writable({ write: (_chunk, _encoding, done) => done() }));
const commissioned = instant(Date.UTC(2026, 5, 15));
/** 13:00 in Kenya, with sun. */
const noon = instant(Date.UTC(2026, 5, 15, 10));
const plan = planVillage({ seed: 3, households: 12 });

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "fieldwatt-simulators-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const open = (options: Partial<SimulatorOptions> = {}) =>
  openSimulators(plan, { clock: new ManualClock(noon), commissioned, dataDir, log, ...options });

const connectionOf = ({ devices }: Manifest, id: string) => {
  const found = devices.find((device) => device.id === id)?.connection;
  if (!found) throw new Error(`${id} is not in the manifest`);
  return found;
};

/** Reads float32 input registers by the manifest alone, with a client that is not ours. */
async function readFloats(
  manifest: Manifest,
  id: string,
  addresses: readonly number[],
  timeoutMs = 500,
): Promise<number[]> {
  const connection = connectionOf(manifest, id);
  const client: Client = new ModbusRTU();
  if (connection.kind === "modbus-tcp") await client.connectTCP(connection.host, { port: connection.port });
  else if (connection.kind === "modbus-rtu")
    await client.connectRTUBuffered(connection.path, { baudRate: connection.baudRate });
  else throw new Error(`${id} is no Modbus device`);
  client.setID(connection.unit);
  client.setTimeout(timeoutMs);
  try {
    const values: number[] = [];
    for (const address of addresses)
      values.push((await client.readInputRegisters(address, 2)).buffer.readFloatBE());
    return values;
  } finally {
    await new Promise<void>((resolve) => client.close(() => resolve()));
  }
}

describe("the opened village", () => {
  it("has a manifest that makes a valid site file", async () => {
    await using simulators = await open();
    const { place, members, devices } = simulators.manifest;
    const site = {
      id: "village",
      name: "Village",
      ...place,
      members,
      devices,
      broker: { port: 0 },
      portal: { port: 0 },
    };
    expect(siteSchema.safeParse(site).error?.issues).toBeUndefined();
  });

  it("shows one truth on all its wires: power and counters are the village's", async () => {
    await using simulators = await open();
    const { households } = openVillage({ seed: 3, households: 12, commissioned }).at(noon);
    // SDM addresses: 12 power of one phase, 52 of three, 72 import, 74 export, in kWh (Eastron protocol sheet).
    for (const [id, index, power] of [
      ["household-02-meter", 1, 12],
      ["household-06-meter", 5, 12],
      ["household-05-meter", 4, 52],
    ] as const) {
      const house = households[index];
      if (!house) throw new Error("no such house");
      const [watts, imported, exported] = await readFloats(simulators.manifest, id, [power, 72, 74]);
      expect(watts).toBe(house.power.import - house.power.export);
      expect(imported).toBeCloseTo(house.counters.import / 60_000, 3);
      expect(exported).toBeCloseTo(house.counters.export / 60_000, 3);
    }
    const [roof] = await readFloats(simulators.manifest, "household-02-solar", [12]);
    expect(roof).toBeLessThan(-100);
  });

  it("counts on within a minute, as much as the power that it shows", async () => {
    const clock = new ManualClock(noon);
    await using simulators = await open({ clock });
    const [before = Number.NaN, power = Number.NaN] = await readFloats(
      simulators.manifest,
      "household-12-solar",
      [74, 12],
    );
    await clock.advance(45_000);
    const [after = Number.NaN] = await readFloats(simulators.manifest, "household-12-solar", [74]);
    // Single precision holds 114 kWh to 0.01 Wh.
    expect((after - before) * 1_000).toBeCloseTo((-power * 45) / 3_600, 1);
  });

  it("keeps its ports and names over a restart, and its counters go on", async () => {
    const first = await open();
    const [before] = await readFloats(first.manifest, "household-01-meter", [72]);
    await first[Symbol.asyncDispose]();
    expect(readdirSync(join(dataDir, "serial"))).toEqual([]);
    await using second = await open({ clock: new ManualClock(instant(noon + 12 * 3_600_000)) });
    expect(second.manifest).toEqual(first.manifest);
    const [after] = await readFloats(second.manifest, "household-01-meter", [72]);
    expect(after).toBeGreaterThan(before ?? Number.NaN);
  });

  it("closes everything when a later part cannot open", async () => {
    const mqtt = { url: "mqtt://127.0.0.1:1", passwords: {} };
    await expect(open({ mqtt })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(existsSync(join(dataDir, "serial", "bus-1"))).toBe(false);
  });

  it.each(["dead:household-06-meter", "slow:household-06-meter:60000"])(
    "isolates a fault (%s): its neighbours on the bus answer",
    async (fault) => {
      await using simulators = await open({ faults: [faultFromText(fault)] });
      await expect(readFloats(simulators.manifest, "household-06-meter", [12])).rejects.toThrow(/Timed out/);
      expect(await readFloats(simulators.manifest, "household-08-meter", [0])).toEqual([
        expect.closeTo(230, -1),
      ]);
    },
  );

  it.each(["household-06-meter", "household-05-meter"])(
    "lets noise be heard on %s, but never as a wrong number",
    async (id) => {
      await using quiet = await open();
      const [truth] = await readFloats(quiet.manifest, id, [72]);
      await quiet[Symbol.asyncDispose]();
      await using noisy = await open({ faults: [faultFromText(`noisy:${id}`)] });
      const heard: unknown[] = [];
      for (let i = 0; i < 12; i++)
        heard.push(
          await readFloats(noisy.manifest, id, [72], 250).then(
            ([value]) => value,
            () => "damaged",
          ),
        );
      expect(new Set(heard)).toEqual(new Set([truth, "damaged"]));
    },
  );

  it("refuses a fault of a device that is not there", async () => {
    await expect(open({ faults: [faultFromText("dead:house-99")] })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
  });
});

describe("the MQTT devices, on a real broker", () => {
  it("publish below their topics as themselves, the weather station its backlog first", async () => {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const passwords = Object.fromEntries(
      plan.devices.filter((d) => d.transport.kind === "mqtt").map(({ id }) => [id, `pw-${id}`]),
    );
    const messages = new Map<string, string[]>();
    const enough = Promise.withResolvers<undefined>();
    broker.authenticate = (client, user, password, done) =>
      done(null, client.id === user && password?.toString() === `pw-${user}`);
    broker.authorizePublish = (client, { topic, payload }, done) => {
      const own = topic.startsWith(`devices/${client?.id}/`) ? topic : `foreign ${topic}`;
      messages.set(own, [...(messages.get(own) ?? []), payload.toString()]);
      done(null);
      if (messages.size >= 5 && (messages.get("devices/household-01-weather/senml")?.length ?? 0) >= 4)
        enough.resolve(undefined);
    };
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    {
      await using _simulators = await open({ mqtt: { url, passwords } });
      await enough.promise;
    }
    expect([...messages.keys()].sort()).toEqual([
      "devices/household-01-weather/senml",
      "devices/household-03-meter/tele/SENSOR",
      "devices/household-04-meter/status/switch:0",
      "devices/household-09-meter/tele/SENSOR",
      "devices/household-11-meter/status/switch:0",
    ]);
    const { households } = openVillage({ seed: 3, households: 12, commissioned }).at(noon);
    const plug = JSON.parse(messages.get("devices/household-03-meter/tele/SENSOR")?.[0] ?? "") as {
      ENERGY: { Power: number };
    };
    expect(plug.ENERGY.Power).toBe(households[2]?.power.import);
    const relay = JSON.parse(messages.get("devices/household-04-meter/status/switch:0")?.[0] ?? "") as {
      apower: number;
    };
    expect(relay.apower).toBe(households[3]?.power.import);
    const [oldest] = JSON.parse(messages.get("devices/household-01-weather/senml")?.[0] ?? "") as {
      bt: number;
    }[];
    expect(oldest?.bt).toBe((noon - 47 * 3_600_000) / 1_000);
    await new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())));
  });
});
