import { connect } from "node:net";
import { once } from "node:events";
import modbus from "modbus-serial";
import { describe, expect, it } from "vitest";
import { sdm120 } from "./meters.ts";
import { openRtuBus } from "./rtu.ts";
import type { ModbusUnit } from "./slave.ts";
import { openModbusTcp } from "./tcp.ts";
import { openUnitFaults } from "./wire-faults.ts";

const ModbusRTU = modbus.default;
type Client = InstanceType<typeof ModbusRTU>;

/** Everything here is read with modbus-serial from npm, a client that is not ours. */
const meter = (power: number): ModbusUnit => ({
  registers: () =>
    sdm120({ power, importWh: 13_000, exportWh: 0, voltage: 230.2, frequency: 50, powerFactor: 1 }),
});
const silent: ModbusUnit = { ...meter(0), faults: openUnitFaults([{ kind: "dead" }], 1, "silent") };
const units = new Map([
  [1, meter(1_100)],
  [2, meter(-640.5)],
  [7, silent],
]);
const floatAt = (words: number[]): number =>
  Buffer.from(words.flatMap((w) => [w >> 8, w & 255])).readFloatBE();

async function readPower(client: Client, unit: number): Promise<number> {
  client.setID(unit);
  client.setTimeout(1_000);
  return floatAt((await client.readInputRegisters(12, 2)).data);
}

describe("a Modbus TCP server", () => {
  it("answers for each of its units, and in turn on one connection", async () => {
    await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units });
    const client = new ModbusRTU();
    await client.connectTCP("127.0.0.1", { port: server.port });
    expect(await readPower(client, 1)).toBe(1_100);
    expect(await readPower(client, 2)).toBe(-640.5);
    await expect(client.readHoldingRegisters(12, 2)).rejects.toThrow(/Modbus exception 2/);
    client.setID(99);
    await expect(client.readInputRegisters(12, 2)).rejects.toThrow(/Modbus exception 11/);
    await new Promise<void>((resolve) => client.close(() => resolve()));
  });

  it("says nothing for a dead unit", async () => {
    await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units });
    const client = new ModbusRTU();
    await client.connectTCP("127.0.0.1", { port: server.port });
    client.setID(7);
    client.setTimeout(80);
    await expect(client.readInputRegisters(12, 2)).rejects.toThrow(/Timed out/);
    await new Promise<void>((resolve) => client.close(() => resolve()));
  });

  it("closes a connection whose lengths make no sense", async () => {
    await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units });
    const socket = connect(server.port, "127.0.0.1");
    socket.write(Buffer.from("00010000ea6001040000", "hex"));
    await once(socket, "close");
    expect(socket.bytesRead).toBe(0);
  });

  it("names a busy port", async () => {
    await using server = await openModbusTcp({ host: "127.0.0.1", port: 0, units });
    await expect(openModbusTcp({ host: "127.0.0.1", port: server.port, units })).rejects.toMatchObject({
      code: "PORT_BUSY",
    });
  });
});

describe("an RTU bus on a pseudo-terminal", () => {
  it("answers for each of its units and can be opened again", async () => {
    await using bus = await openRtuBus({ units });
    for (let round = 0; round < 2; round++) {
      const client = new ModbusRTU();
      await client.connectRTUBuffered(bus.path, { baudRate: 9600 });
      expect(await readPower(client, 1)).toBe(1_100);
      expect(await readPower(client, 2)).toBe(-640.5);
      await new Promise<void>((resolve) => client.close(() => resolve()));
    }
  });

  it("finds the next request behind noise", async () => {
    await using bus = await openRtuBus({ units });
    const client = new ModbusRTU();
    await client.connectRTUBuffered(bus.path, { baudRate: 9600 });
    const { _port: port } = client as unknown as { _port: { _client: { write(bytes: Buffer): void } } };
    port._client.write(Buffer.from("ff00aa", "hex"));
    expect(await readPower(client, 1)).toBe(1_100);
    await new Promise<void>((resolve) => client.close(() => resolve()));
  });

  it("says nothing for a unit that is dead or not there, and the others go on", async () => {
    await using bus = await openRtuBus({ units });
    const client = new ModbusRTU();
    await client.connectRTUBuffered(bus.path, { baudRate: 9600 });
    for (const unit of [7, 33]) {
      client.setID(unit);
      client.setTimeout(80);
      await expect(client.readInputRegisters(12, 2)).rejects.toThrow(/Timed out/);
    }
    expect(await readPower(client, 1)).toBe(1_100);
    await new Promise<void>((resolve) => client.close(() => resolve()));
  });
});
