import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  deviceId,
  instant,
  QUANTITIES,
  streamId,
  type Quantity,
  type Reading,
} from "../../../domain/model/index.ts";
import { openBroker } from "../../../platform/broker.ts";
import { openLog } from "../../../platform/log.ts";
import {
  mosquittoIsMissing,
  mosquittoPub,
  mosquittoSub,
  openMosquitto,
  type Subscriber,
} from "../../../test/support/mosquitto.ts";
import type { DeviceState } from "../../acquire/device-state.ts";
import { createLive } from "../../acquire/live.ts";
import classes from "./device-classes.json" with { type: "json" };
import { configMessage, configTopic, sensorOf, type DiscoveredDevice } from "./discovery.ts";
import { externalPublisher, ownBrokerPublisher, type Publisher } from "./publisher.ts";
import { openHomeAssistant, type HomeAssistantSink } from "./sink.ts";

const missing = mosquittoIsMissing();
const naming = { site: "kisasi", prefix: "homeassistant", topic: "fieldwatt" };
const METER: DiscoveredDevice = { id: "meter-1", maker: "Eastron", model: "SDM120" };
const SOIL: DiscoveredDevice = { id: "soil-1", maker: "Dragino", model: "LSE01" };
const log = openLog("test", { write: () => undefined });

interface Config {
  readonly unique_id: string;
  readonly state_topic: string;
  readonly value_template: string;
  readonly device_class?: string;
  readonly state_class?: string;
  readonly unit_of_measurement?: string;
}
const configOf = (quantity: Quantity, channel?: string): Config => {
  const sensor = sensorOf(streamId(deviceId("meter-1"), quantity, channel));
  if (!sensor) throw new Error(`${quantity} is no sensor`);
  return JSON.parse(configMessage(naming, sensor, METER)) as Config;
};
const allowed: Record<string, { units: readonly (string | null)[]; states: readonly string[] }> =
  classes.classes;

describe("a discovery message", () => {
  it.each(Object.keys(QUANTITIES) as Quantity[])(
    "of %s says what Home Assistant allows together",
    (quantity) => {
      const {
        device_class: deviceClass,
        state_class: stateClass,
        unit_of_measurement: unit = null,
      } = configOf(quantity);
      if (deviceClass === undefined) return expect(unit).not.toBe("");
      expect(Object.keys(allowed)).toContain(deviceClass);
      expect(allowed[deviceClass]?.units).toContain(unit);
      expect(allowed[deviceClass]?.states).toContain(stateClass);
    },
  );

  // By hand, after home-assistant.io/integrations/sensor.mqtt.
  it("of a register of one phase is whole", () => {
    expect(configOf("activeEnergyImport", "L1")).toEqual({
      name: "Active energy import L1",
      unique_id: "fieldwatt_kisasi_meter-1_activeEnergyImport_L1",
      state_topic: "fieldwatt/kisasi/meter-1/state",
      value_template: '{{ value_json["activeEnergyImport/L1"] }}',
      device_class: "energy",
      state_class: "total_increasing",
      unit_of_measurement: "Wh",
      availability: [{ topic: "fieldwatt/kisasi/status" }, { topic: "fieldwatt/kisasi/meter-1/status" }],
      availability_mode: "all",
      device: {
        identifiers: ["fieldwatt_kisasi_meter-1"],
        name: "meter-1",
        manufacturer: "Eastron",
        model: "SDM120",
      },
      origin: { name: "Fieldwatt" },
    });
  });

  it("goes to a topic of the letters that node and object ids may have", () => {
    const sensor = sensorOf(streamId(deviceId("meter-1"), "voltage", "phase A+B/2"));
    expect(sensor && configTopic({ ...naming, site: "küche" }, sensor)).toBe(
      "homeassistant/sensor/k_che/meter-1_voltage_phase_A_B_2/config",
    );
  });
});

let folder: string;
const opened: AsyncDisposable[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-ha-"));
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
const opening = <T extends AsyncDisposable>(one: T): T => {
  opened.push(one);
  return one;
};

interface Village {
  readonly sink: HomeAssistantSink;
  say(device: string, quantity: Quantity, value: number, quality?: Reading["quality"]): void;
  setState(device: string, state: DeviceState["state"]): void;
}

async function openVillage(publisher: Publisher, devices: readonly DiscoveredDevice[]): Promise<Village> {
  const live = createLive();
  const states = new Map<string, DeviceState["state"]>(devices.map(({ id }) => [id, "ok"]));
  let time = 0;
  const sink = opening(
    await openHomeAssistant({
      naming,
      everySeconds: 1,
      devices,
      file: join(folder, "home-assistant.json"),
      live,
      states: () => [...states].map(([id, state]) => ({ id, state, failures: 0 })),
      publisher,
      now: () => instant(0),
      log,
      pause: (_, signal) => new Promise((resolve) => setTimeout(resolve, signal.aborted ? 0 : 10)),
    }),
  );
  return {
    sink,
    say: (device, quantity, value, quality = "ok") =>
      live.update([{ stream: streamId(deviceId(device), quantity), time: instant(++time), value, quality }]),
    setState: (device, state) => void states.set(device, state),
  };
}

const soon = { timeout: 10_000, interval: 20 };
const POWER = "homeassistant/sensor/kisasi/meter-1_activePower/config";
const MOISTURE = "homeassistant/sensor/kisasi/soil-1_soilMoisture/config";
const STATE = "fieldwatt/kisasi/meter-1/state";

/** What a Home Assistant at the other end hears, from whichever broker. */
async function tellsTheVillage(publisher: Publisher, listen: () => Subscriber): Promise<void> {
  const village = await openVillage(publisher, [METER, SOIL]);
  village.say("meter-1", "activePower", 1_200);
  village.say("soil-1", "soilMoisture", 0.285);
  // More where the connection broke meanwhile: all is said again then.
  const saidAll = expect.toSatisfy((written: number) => written >= 7);
  await expect.poll(() => village.sink.state(), soon).toMatchObject({ connected: true, written: saidAll });
  const { heard } = opening(listen());
  await expect.poll(() => heard.get(STATE), soon).toBe('{"activePower":1200}');
  await expect.poll(() => heard.get("fieldwatt/kisasi/soil-1/state"), soon).toBe('{"soilMoisture":28.5}');
  expect(JSON.parse(heard.get(POWER) ?? "")).toMatchObject({
    device_class: "power",
    unit_of_measurement: "W",
  });
  expect(heard.get("fieldwatt/kisasi/status")).toBe("online");
  expect(heard.get("fieldwatt/kisasi/meter-1/status")).toBe("online");
  village.say("meter-1", "activePower", 1_300, "implausible");
  village.setState("soil-1", "silent");
  await expect.poll(() => heard.get(STATE), soon).toBe('{"activePower":null}');
  await expect.poll(() => heard.get("fieldwatt/kisasi/soil-1/status"), soon).toBe("offline");
  expect([...heard.keys()].filter((topic) => topic.endsWith("/config"))).toHaveLength(2);
}

/** After a restart in which one device has gone from the site file. */
async function takesBackWhatHasGone({ heard }: Subscriber): Promise<void> {
  const kept = async (): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, "home-assistant.json"), "utf8"));
  await expect.poll(() => heard.get(MOISTURE), soon).toBe("");
  expect(heard.get(POWER)).not.toBe("");
  await expect.poll(kept, soon).toEqual({ [POWER]: "meter-1/activePower" });
}

describe.skipIf(missing)("Home Assistant", () => {
  async function ownBroker() {
    const publisher = ownBrokerPublisher(naming, "home-assistant");
    const { guest } = publisher;
    const broker = opening(
      await openBroker({
        host: "127.0.0.1",
        port: 0,
        authenticate: (user, password) => (user === guest.user && password === "secret" ? user : undefined),
        mayPublish: (_, topic) => guest.mayPublish(topic),
        maySubscribe: (_, filter) => guest.maySubscribe(filter),
        onMessage: (message) => Promise.resolve(guest.onMessage(message)),
        log,
      }),
    );
    publisher.attach(broker);
    const asGuest = ["-u", guest.user, "-P", "secret"];
    const listen = (): Subscriber => mosquittoSub(broker.port, ["homeassistant/#", "fieldwatt/#"], asGuest);
    return { publisher, broker, listen, asGuest };
  }

  it("that comes late to the village's own broker hears every sensor, and unknown is no number", async () => {
    const { publisher, listen } = await ownBroker();
    await tellsTheVillage(publisher, listen);
  });

  it("hears at the village's own broker that a device has gone", async () => {
    await writeFile(
      join(folder, "home-assistant.json"),
      JSON.stringify({ [POWER]: "meter-1/activePower", [MOISTURE]: "soil-1/soilMoisture" }),
    );
    const { publisher, listen, asGuest, broker } = await ownBroker();
    const village = await openVillage(publisher, [METER]);
    // Home Assistant comes back some time after the broker, which does not keep that something is no more.
    await expect.poll(() => village.sink.state().connected, soon).toBe(true);
    const subscriber = opening(listen());
    await expect.poll(() => subscriber.heard.get(STATE), soon).toBe('{"activePower":null}');
    expect(subscriber.heard.has(MOISTURE)).toBe(false);
    await mosquittoPub(broker.port, ["-t", "homeassistant/status", "-m", "online", ...asGuest]);
    await takesBackWhatHasGone(subscriber);
  });

  async function throughMosquitto() {
    const mosquitto = opening(await openMosquitto(folder));
    await writeFile(join(folder, "broker-password"), "any\n");
    const settings = {
      url: `mqtt://127.0.0.1:${mosquitto.port}`,
      user: "fieldwatt",
      passwordFile: "broker-password",
    };
    const connect = (): Promise<Publisher> =>
      externalPublisher(naming, { file: join(folder, "site.yaml"), id: "kisasi" }, settings);
    return { mosquitto, connect };
  }
  const listenAt = (port: number): Subscriber => mosquittoSub(port, ["homeassistant/#", "fieldwatt/#"]);

  it("that comes late to the site's Mosquitto hears every sensor, and unknown is no number", async () => {
    const { mosquitto, connect } = await throughMosquitto();
    await tellsTheVillage(await connect(), () => listenAt(mosquitto.port));
  });

  it("hears at the site's Mosquitto that a device has gone, and that the gateway has", async () => {
    const { mosquitto, connect } = await throughMosquitto();
    const first = await openVillage(await connect(), [METER, SOIL]);
    first.say("meter-1", "activePower", 1);
    first.say("soil-1", "soilMoisture", 0.2);
    const subscriber = opening(listenAt(mosquitto.port));
    await expect.poll(() => subscriber.heard.get(MOISTURE), soon).toContain("moisture");
    await first.sink[Symbol.asyncDispose]();
    opened.splice(opened.indexOf(first.sink), 1);
    await expect.poll(() => subscriber.heard.get("fieldwatt/kisasi/status"), soon).toBe("offline");
    await openVillage(await connect(), [METER]);
    await takesBackWhatHasGone(subscriber);
    const late = opening(listenAt(mosquitto.port));
    await expect.poll(() => late.heard.get(POWER), soon).toContain("power");
    expect(late.heard.has(MOISTURE)).toBe(false);
  });

  it("hears all again after it said online at the site's Mosquitto", async () => {
    const { mosquitto, connect } = await throughMosquitto();
    const publisher = await connect();
    const village = await openVillage(publisher, [METER]);
    village.say("meter-1", "activePower", 1);
    await expect.poll(() => village.sink.state().written, soon).toBe(4);
    await mosquittoPub(mosquitto.port, ["-t", "homeassistant/status", "-m", "online"]);
    await expect.poll(() => village.sink.state().written, soon).toBe(8);
  });
});
