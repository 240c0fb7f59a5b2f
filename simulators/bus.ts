import { isAbsolute, join } from "node:path";
import { FieldwattError, type Clock } from "../domain/model/index.ts";
import { ruleOf, type BusFile, type BusUnit } from "./bus-file.ts";
import { hasRegisters, openFake, unitOf, type FakeDevice } from "./device/fake.ts";
import { findSheet } from "./device/sheet.ts";
import { openRtuBus } from "./modbus/rtu.ts";
import type { ModbusUnit, RequestListener } from "./modbus/slave.ts";
import { openModbusTcp } from "./modbus/tcp.ts";
import { openModbusUdp } from "./modbus/udp.ts";
import { openUnitFaults } from "./modbus/wire-faults.ts";

/** A simulated bus that runs. */
export interface SimulatedBus extends AsyncDisposable {
  /** What a scan or a probe is pointed at: `tcp://127.0.0.1:5020`, `rtu-over-tcp://…`, `udp://…` or a path. */
  readonly address: string;
  readonly units: readonly { readonly unit: number; readonly fake: FakeDevice }[];
}

export interface BusOptions {
  /** The clock by which values walk: they begin when the bus is opened. */
  readonly clock: Clock;
  /** The folder that paths of device files are counted from. */
  readonly folder: string;
  /** Folders with device files besides those of Fieldwatt. */
  readonly deviceFiles?: readonly string[];
  readonly onRequest?: RequestListener;
}

/**
 * Opens every unit of the bus on one real socket or pseudo-terminal.
 * @throws FieldwattError DEVICE_UNKNOWN, DEVICE_FILE_INVALID, OPTION_INVALID (a device without registers), PORT_BUSY,
 * PTY_FAILED
 */
export async function openBus(file: BusFile, options: BusOptions): Promise<SimulatedBus> {
  const fakes = Object.entries(file.units).map(([number, unit]) => ({
    unit: Number(number),
    fake: fakeOf(unit, file.seed + Number(number), options),
    rules: unit.faults.map(ruleOf),
  }));
  const started = options.clock.now();
  const seconds = (): number => (options.clock.now() - started) / 1_000;
  const units = new Map(
    fakes.map(({ unit, fake, rules }) => [
      unit,
      unitOf(fake, seconds, rules.length > 0 ? openUnitFaults(rules, file.seed, `unit ${unit}`) : undefined),
    ]),
  );
  const wire = await openWire(file, units, options);
  return { ...wire, units: fakes, [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose]() };
}

function fakeOf({ device, values, set }: BusUnit, seed: number, options: BusOptions): FakeDevice {
  const isPath = /\.ya?ml$/.test(device) && !isAbsolute(device);
  const sheet = findSheet(isPath ? join(options.folder, device) : device, options.deviceFiles);
  if (!hasRegisters(sheet))
    throw new FieldwattError(
      "OPTION_INVALID",
      `${sheet.id} has no Modbus registers; it cannot be on this bus`,
    );
  const fake = openFake(sheet, { seed, values, set });
  const points = fake.at(0).values;
  const stray = Object.keys(set).find((target) => !points.has(target));
  if (stray === undefined) return fake;
  throw new FieldwattError(
    "OPTION_INVALID",
    `${sheet.id} has no point "${stray}"; it has ${[...points.keys()].join(", ")}`,
  );
}

async function openWire(
  { tcp, udp, host, framing, pty, replyDelayMs }: BusFile,
  units: ReadonlyMap<number, ModbusUnit>,
  { folder, onRequest }: BusOptions,
): Promise<{ readonly address: string } & AsyncDisposable> {
  const heard = onRequest && { onRequest };
  if (tcp !== undefined) {
    const server = await openModbusTcp({ host, port: tcp, units, framing, ...heard });
    const scheme = framing === "rtu" ? "rtu-over-tcp" : "tcp";
    return {
      address: `${scheme}://${host}:${server.port}`,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }
  if (udp !== undefined) {
    const server = await openModbusUdp({ host, port: udp, units, ...heard });
    return {
      address: `udp://${host}:${server.port}`,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }
  const link = pty === undefined || isAbsolute(pty) ? pty : join(folder, pty);
  const bus = await openRtuBus({ units, replyDelayMs, ...(link !== undefined && { link }), ...heard });
  return { address: bus.path, [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose]() };
}
