import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { FieldwattError, messageOf, type Clock, type Instant } from "../domain/model/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Fault } from "./faults.ts";
import { openFaultDesk, type FaultDesk } from "./fault-desk.ts";
import { manifestOf, topicOf, type Manifest, type Wires } from "./manifest.ts";
import type { ModbusUnit } from "./modbus/slave.ts";
import { shifted } from "./modbus/meters.ts";
import { openRtuBus } from "./modbus/rtu.ts";
import { runShelly, runTasmota, runWeatherStation, type MqttDeviceOptions } from "./mqtt/devices.ts";
import { openPublisher } from "./mqtt/publisher.ts";
import type { PlannedDevice, VillagePlan } from "./plan.ts";
import { openPortBook } from "./ports.ts";
import { checkFaults } from "./shiftable.ts";
import type { Transport } from "./transport.ts";
import { openController, openVedirectPort, type Controller } from "./vedirect.ts";
import { controllerView, gridView, householdOf, registersOf } from "./views.ts";
import { openVillage, type VillageState } from "./village/village.ts";
import { batteryTurn, isOfYard, openYardSite, runYardDevice, yardUnit, type YardSite } from "./yard/open.ts";
import type { YardDevice } from "./yard/plan.ts";
import { openSwitchings } from "./yard/switchings.ts";

export interface SimulatorOptions {
  readonly clock: Clock;
  /** When the village's devices were hung; the caller keeps it, so that counters go on over restarts. */
  readonly commissioned: Instant;
  /** Holds the serial links, the ports of earlier runs and the loggers' notes. */
  readonly dataDir: string;
  /** Without it the MQTT devices are in the manifest and say nothing. */
  readonly mqtt?: MqttAccess;
  readonly faults?: readonly Fault[];
  readonly log: Logger;
}

export interface MqttAccess {
  readonly url: string;
  /** By device id, which is the user's name too. */
  readonly passwords: Readonly<Record<string, string>>;
}

export interface Simulators extends AsyncDisposable {
  /** Where everything is: what a site file needs. */
  readonly manifest: Manifest;
  /** A fault from now on, for so long (ms of real time). Throws OPTION_INVALID for a device that there is not. */
  inject(fault: Fault, ms: number): void;
}

/** What opening one device needs to know of all. */
interface Site extends SimulatorOptions {
  readonly plan: VillagePlan;
  readonly stack: AsyncDisposableStack;
  readonly signal: AbortSignal;
  readonly state: () => VillageState;
  readonly desk: FaultDesk;
  readonly yard: YardSite;
}

type AnyDevice = PlannedDevice | YardDevice;
type On<Kind extends Transport["kind"]> = AnyDevice & {
  readonly transport: Extract<Transport, { kind: Kind }>;
};

/**
 * Opens every device of the plan on real sockets and pseudo-terminals.
 * @throws FieldwattError OPTION_INVALID (a fault or password for nobody, a quantity that is not there, a time too far), PTY_FAILED, FOLDER_UNWRITABLE
 */
export async function openSimulators(plan: VillagePlan, options: SimulatorOptions): Promise<Simulators> {
  const faults = options.faults ?? [];
  checkFaults(plan, faults);
  makeFolder(join(options.dataDir, "serial"));
  const { clock, commissioned, dataDir } = options;
  const book = plan.yard.length > 0 ? openSwitchings(dataDir, clock.now()) : undefined;
  const village = openVillage({
    ...{ seed: plan.seed, households: plan.members.length, commissioned },
    yard: book?.switchings,
  });
  const state = (): VillageState => village.at(clock.now());
  state();
  const stop = new AbortController();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => stop.abort());
  const desk = openFaultDesk(faults, plan.seed);
  stack.use(desk);
  const yard = openYardSite(village, { clock, book, desk });
  const site: Site = { ...options, plan, stack, signal: stop.signal, state, desk, yard };
  const wires: Wires = { ports: await openServers(site), paths: await openSerial(site) };
  openMqtt(site);
  const manifest = manifestOf(plan, wires);
  const opened = stack.move();
  return {
    manifest,
    inject(fault, ms) {
      checkFaults(plan, [fault]);
      desk.add(fault, ms);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new FieldwattError("FOLDER_UNWRITABLE", `${folder} cannot be made: ${messageOf(cause)}`, { cause });
  }
}

const on = <Kind extends Transport["kind"]>({ plan }: Site, kind: Kind): On<Kind>[] =>
  [...plan.devices, ...plan.yard].filter((device): device is On<Kind> => device.transport.kind === kind);

function unitOf(site: Site, device: AnyDevice): ModbusUnit {
  if (isOfYard(device)) return yardUnit(site.yard, device);
  const shift = site.desk.shift(device.id);
  return { registers: () => registersOf(site.state(), device, shift), faults: site.desk.unit(device.id) };
}

function unitsOf(site: Site, devices: readonly On<"modbus-tcp" | "modbus-rtu">[]): Map<number, ModbusUnit> {
  return new Map(devices.map((device) => [device.transport.unit, unitOf(site, device)]));
}

async function openServers(site: Site): Promise<Map<string, number>> {
  const book = openPortBook(site.dataDir);
  const ports = new Map<string, number>();
  for (const [name, devices] of Map.groupBy(on(site, "modbus-tcp"), ({ transport }) => transport.server)) {
    const server = site.stack.use(await book.open(name, unitsOf(site, devices)));
    ports.set(name, server.port);
  }
  return ports;
}

async function openSerial(site: Site): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  const link = (name: string): string => join(site.dataDir, "serial", name);
  for (const [name, devices] of Map.groupBy(on(site, "modbus-rtu"), ({ transport }) => transport.bus)) {
    const bus = site.stack.use(await openRtuBus({ link: link(name), units: unitsOf(site, devices) }));
    paths.set(name, bus.path);
  }
  for (const device of on(site, "serial")) {
    const port = device.transport.port;
    paths.set(port, site.stack.use(await openTalker(site, device, link(port))).path);
  }
  return paths;
}

function openTalker(site: Site, device: On<"serial">, link: string): Promise<Controller> {
  const disturbance = site.desk.disturbance(device.id);
  if (isOfYard(device))
    return openVedirectPort({ link, disturbance, blocks: batteryTurn(site.yard, device) });
  const view = () => {
    const { battery } = householdOf(site.state(), device);
    if (!battery) throw new RangeError(`${device.id} charges a battery that is not there`);
    return controllerView(site.state(), device, battery);
  };
  return openController({ link, view, disturbance });
}

function openMqtt(site: Site): void {
  const devices = on(site, "mqtt");
  if (!site.mqtt) {
    if (devices.length > 0)
      site.log.warn({ devices: devices.length }, "no broker was named: the MQTT devices stay silent");
    return;
  }
  for (const device of devices) openMqttDevice(site, site.mqtt, device);
}

function openMqttDevice(site: Site, { url, passwords }: MqttAccess, device: On<"mqtt">): void {
  const { id } = device;
  const password = passwords[id];
  if (password === undefined)
    throw new FieldwattError("OPTION_INVALID", `There is no MQTT password for ${id}`);
  const { clock, signal, log } = site;
  const publisher = site.stack.use(openPublisher({ url, user: id, password, log }));
  const options = {
    id,
    topic: topicOf(id),
    clock,
    signal,
    log,
    publisher,
    disturbance: site.desk.disturbance(id),
  };
  run(site, device, options).catch((error: unknown) => {
    // One device's bug is one silent device, and a line that says so.
    log.error({ device: id, error: messageOf(error) }, "a simulated device stopped");
  });
}

function run(
  { state, plan, commissioned, dataDir, desk, yard }: Site,
  device: AnyDevice,
  options: MqttDeviceOptions,
): Promise<void> {
  if (isOfYard(device)) return runYardDevice(yard, device, options);
  const shift = desk.shift(device.id);
  const view = () => {
    const seen = state();
    return shifted(gridView(householdOf(seen, device), seen.elapsed), shift);
  };
  if (device.device === "tasmota-energy") return runTasmota(view, options);
  if (device.device === "shelly-energy") return runShelly(view, options);
  return runWeatherStation({ seed: plan.seed, commissioned, dataDir, shift }, options);
}
