import { describe, expect, it } from "vitest";
import { deviceId, streamId } from "../../domain/model/index.ts";
import { loadCatalogue } from "../../drivers/index.ts";
import { openClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { eventually } from "../../test/scenarios/kit.ts";
import { openCable, pymodbus, PYTHON, skips, start } from "../../test/support/modbus-peers.ts";
import { siteWith } from "../../test/support/site.ts";
import { openAcquisition } from "../acquire/acquisition.ts";
import { siteDevices } from "../site/devices.ts";
import { siteSchema } from "../site/schema.ts";
import { openActuators } from "./actuators.ts";
import type { ActuatorEvent } from "./commands.ts";
import { switchWire } from "./switch-wire.ts";

/** A relay and a meter on one serial line, both pymodbus's: behind coil 3 is a pump that the meter sees (750.5 W). */
const PEER = `${import.meta.dirname}/../../test/interop/modbus-peer.py`;
const catalogue = await loadCatalogue();
const log = openLog("switch", { write: () => undefined });

const siteOn = (path: string, more: object = {}) =>
  siteSchema.parse({
    ...siteWith([
      {
        device: "eastron-sdm120",
        mounting: "grid",
        connection: { kind: "modbus-rtu", path, baudRate: 115_200, unit: 1 },
      },
    ]),
    flows: {
      actuators: [
        {
          ...{ id: "pump", name: "Pump", watchdog: "1 h" },
          connection: { kind: "modbus-rtu", path, unit: 1, coil: 3, ...more },
        },
      ],
    },
  });

describe("a switch on a serial line that is polled", () => {
  it.skipIf(skips(pymodbus))("takes its turn, and the meter beside it sees what it switched", async () => {
    expect(pymodbus.missing, pymodbus.hint).toBe(false);
    await using cable = await openCable();
    await using _peer = await start(PYTHON, [PEER, "whole", "rtu", cable.far]);
    const parsed = siteOn(cable.near);
    const site = {
      ...parsed,
      devices: parsed.devices.map((device) => ({ ...device, interval: 200 })),
      file: "site.yaml",
      data: "/nowhere",
    };
    const clock = openClock(() => Date.now());
    const values: number[] = [];
    const events: ActuatorEvent[] = [];
    await using acquisition = openAcquisition({
      ...{ site, catalogue, clock, log },
      store: { append: () => Promise.resolve() },
      onKept: (readings) => {
        const power = readings.find(({ stream }) => stream === streamId(deviceId("meter-1"), "activePower"));
        if (power) values.push(power.value);
      },
    });
    const store = {
      read: { prepare: () => ({ all: () => [] }) } as never,
      stats: () => ({ failing: undefined }) as never,
      run: (name: string, event: unknown) =>
        Promise.resolve(void (name === "keepActuatorEvent" && events.push(event as ActuatorEvent))) as never,
    };
    {
      await using actuators = openActuators({
        ...{ settings: site.flows?.actuators ?? [], store, clock, log, teller: undefined, spaces: [] },
        ...{ live: acquisition.live, wires: acquisition.wires },
      });
      const pump = actuators.find("pump");
      await eventually("the meter is read", () => values.at(-1) === -1091.5);
      expect(await pump?.command("on", "flow")).toMatchObject({ kind: "switched" });
      await eventually("the meter sees the pump", () => values.at(-1) === 750.5);
      const before = values.length;
      for (let again = 0; again < 10; again++) await pump?.command("on", "flow");
      await eventually("it is read as before", () => values.length > before + 3);
    }
    // Whoever closes the switches leaves them safe.
    await eventually("the pump is off", () => values.at(-1) === -1091.5);
    expect(events.map(({ wanted, outcome }) => `${wanted} ${outcome}`)).toEqual([
      "off switched",
      "on switched",
      "off switched",
    ]);
    expect(acquisition.states()[0]?.error).toBeUndefined();
  });

  it("is set as the devices on it are, and a site file that says otherwise is refused", () => {
    expect(siteDevices(siteOn("/dev/ttyUSB0"), catalogue).switches).toEqual([]);
    expect(siteDevices(siteOn("/dev/ttyUSB0", { baudRate: 115_200 }), catalogue).switches).toEqual([]);
    for (const more of [{ baudRate: 9_600 }, { parity: "even" }])
      expect(siteDevices(siteOn("/dev/ttyUSB0", more), catalogue).switches).toEqual([
        {
          path: ["flows", "actuators", 0, "connection"],
          message: expect.stringContaining("/dev/ttyUSB0 speaks modbus-rtu at 115200 baud") as string,
        },
      ]);
  });
});

describe("a switch on the village broker", () => {
  const heard: string[] = [];
  let session: number | undefined;
  const teller = {
    session: (user: string) => (user === "plug-1" ? session : undefined),
    publish: (_topic: string, payload: Uint8Array) =>
      Promise.resolve(void heard.push(new TextDecoder().decode(payload))),
  };
  const connection = { kind: "mqtt", topic: "plugs/1/cmnd/POWER", on: "ON", off: "OFF" } as const;
  const never = () => Promise.reject(new Error("no wire"));
  const wire = switchWire({ connection, watchdog: 60_000 }, 1, {
    ...{ teller, spaces: [{ user: "plug-1", topic: "plugs/1" }] },
    wires: { writeCoil: never, switchRelay: never },
  });
  /** As `look` of an actuator does. */
  const looks = async (times: number): Promise<number> => {
    const before = heard.length;
    for (let i = 0; i < times; i++) if (wire.isForgotten?.("off", 0)) await wire.set("off");
    return heard.length - before;
  };

  it("is a fault while its device is away, and is told anew whenever it has signed in", async () => {
    await expect(wire.set("off")).rejects.toThrow("plug-1 is not connected");
    session = 1;
    expect(await looks(10)).toBe(3);
    // Its power was gone for a moment; the broker has seen it sign in again.
    session = 2;
    expect(await looks(10)).toBe(3);
    session = undefined;
    expect(wire.isForgotten?.("off", 0)).toBe(true);
    expect(heard).toEqual(Array(6).fill("OFF"));
  });
});
