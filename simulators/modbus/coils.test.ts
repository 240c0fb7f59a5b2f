import modbus from "modbus-serial";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { openModbusBus } from "../../drivers/index.ts";
import { sdm120 } from "./meters.ts";
import type { ModbusUnit } from "./slave.ts";
import { openModbusTcp, type ModbusTcpServer } from "./tcp.ts";
import { openUnitFaults } from "./wire-faults.ts";

const ModbusRTU = modbus.default;

/** A relay of nine coils, asked by modbus-serial from npm, a client that is not ours. */
const COILS = 9;
let on: Set<number>;
let server: ModbusTcpServer;
let client: InstanceType<typeof ModbusRTU>;

const relay = () => ({
  registers: () => ({}),
  coils: {
    isOn: (address: number) => (address < COILS ? on.has(address) : undefined),
    switch: (address: number, state: boolean) => void (state ? on.add(address) : on.delete(address)),
  },
});

beforeEach(async () => {
  on = new Set();
  const view = { power: 1, importWh: 0, exportWh: 0, voltage: 230, frequency: 50, powerFactor: 1 };
  const units = new Map<number, ModbusUnit>([
    [1, relay()],
    [2, { registers: () => sdm120(view) }],
    [3, { ...relay(), faults: openUnitFaults([{ kind: "dead" as const }], 1, "dead relay") }],
  ]);
  server = await openModbusTcp({ host: "127.0.0.1", port: 0, units });
  client = new ModbusRTU();
  await client.connectTCP("127.0.0.1", { port: server.port });
  client.setID(1);
  client.setTimeout(1_000);
});
afterEach(async () => {
  await new Promise<void>((resolve) => client.close(() => resolve()));
  await server[Symbol.asyncDispose]();
});

describe("a relay on Modbus TCP", () => {
  it("is switched by function 5 and tells its coils by function 1", async () => {
    expect(await client.writeCoil(0, true)).toEqual({ address: 0, state: true });
    await client.writeCoil(8, true);
    const { data } = await client.readCoils(0, COILS);
    expect(data.slice(0, COILS)).toEqual([true, ...Array<boolean>(7).fill(false), true]);
    expect(await client.writeCoil(0, false)).toEqual({ address: 0, state: false });
    expect([...on]).toEqual([8]);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ["a coil that there is not", () => client.writeCoil(COILS, true), /exception 2/],
    ["coils beyond the last", () => client.readCoils(0, COILS + 1), /exception 2/],
    ["no coils", () => client.readCoils(0, 0), /exception 3/],
    ["registers", () => client.readInputRegisters(0, 1), /exception 2/],
  ])("refuses %s", async (_what, ask, answer) => {
    await expect(ask()).rejects.toThrow(answer);
    expect(on.size).toBe(0);
  });

  it("is switched by what the gateway writes", async () => {
    const place = { kind: "modbus-tcp", host: "127.0.0.1", port: server.port, unit: 1 } as const;
    await using bus = openModbusBus(place, { now: () => instant(0) });
    await bus.write({ unit: 1, at: 3, on: true });
    expect([...on]).toEqual([3]);
  });

  it("that is dead hears nothing, either", async () => {
    client.setID(3);
    client.setTimeout(80);
    await expect(client.writeCoil(0, true)).rejects.toThrow(/Timed out/);
    expect(on.size).toBe(0);
  });

  it("is not what a meter is: that knows no coils", async () => {
    client.setID(2);
    await expect(client.writeCoil(0, true)).rejects.toThrow(/exception 1/);
    await expect(client.readCoils(0, 1)).rejects.toThrow(/exception 1/);
  });
});
