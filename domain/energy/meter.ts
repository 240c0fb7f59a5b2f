import {
  addMs,
  isUsable,
  SLOT_MS,
  wattHours,
  type DeviceId,
  type Instant,
  type Interval,
  type Mounting,
  type Provenance,
  type Quantity,
  type Reading,
  type StreamId,
} from "../model/index.ts";
import type { Discontinuity, RegisterReading, RegisterTraits, Resolution } from "./continuity.ts";
import { integrateSlot, LONGEST_INTEGRATED_GAP_MS, type PowerReading } from "./fill.ts";
import { leastCertain, slotOf, type SlotResult } from "./intervals.ts";
import { registerLine, type LineEvent, type LineStart, type RegisterLine } from "./line.ts";
import { forgetBefore, insertByTime } from "./series.ts";

/** The energy of one device, both ways: from its registers, or from its power where a register is missing. */
export type Flow = "import" | "export";
export const FLOWS: readonly Flow[] = ["import", "export"];
const QUANTITY: Readonly<Record<Flow, Quantity>> = {
  import: "activeEnergyImport",
  export: "activeEnergyExport",
};

/** Mountings at which energy flows. */
export const ENERGY_MOUNTINGS: ReadonlySet<Mounting> = new Set(["grid", "solar", "battery", "load", "pump"]);

export interface FlowEnergy {
  readonly energy: number;
  readonly provenance: Provenance;
  readonly intervals: readonly { readonly stream: StreamId; readonly interval: Interval }[];
}

/** `absent`: the device does not measure this flow. */
export type FlowSlot = SlotResult<FlowEnergy> | { readonly kind: "absent" };
export type DeviceSlot = Readonly<Record<Flow, FlowSlot>>;

/** What the ledger knows of one register. */
export interface Continuity {
  readonly start?: LineStart;
  readonly resolutions?: ReadonlyMap<Instant, Resolution>;
}

export interface DeviceMeterOptions {
  readonly device: DeviceId;
  readonly mounting: Mounting;
  traits?(quantity: Quantity, channel: string): RegisterTraits;
  continuity?(stream: StreamId): Continuity;
}

export interface DeviceMeter {
  readonly mounting: Mounting;
  /** Takes one reading of this device; what is not believed or not energy is ignored. */
  observe(reading: Reading): void;
  /**
   * The slot that begins at `start`.
   * @param force nothing more is waited for: power stands in for a register that is missing
   */
  slot(start: Instant, force: boolean): DeviceSlot;
  /** The last believed reading of energy or power; of one register where it is named. */
  lastHeard(stream?: StreamId): Instant | undefined;
  /** The discontinuities among the readings that are held, with their streams. */
  events(): readonly (LineEvent & { readonly stream: StreamId; readonly event: Discontinuity })[];
  /** The stretch that is held of each register: of it the ledger is told everything. */
  spans(): ReadonlyMap<StreamId, { readonly from: Instant; readonly to: Instant }>;
  forgetBefore(time: Instant): void;
}

interface Register {
  readonly stream: StreamId;
  readonly traits: RegisterTraits;
  readonly readings: RegisterReading[];
  continuity: Continuity;
  line: RegisterLine | undefined;
}

interface Held extends DeviceMeterOptions {
  /** By channel; the channel "" is the device as a whole and wins over its phases. */
  readonly registers: Readonly<Record<Flow, Map<string, Register>>>;
  /** Positive and negative, each in the direction of one flow. */
  readonly power: Readonly<Record<Flow, PowerReading[]>>;
}

export function deviceMeter(options: DeviceMeterOptions): DeviceMeter {
  const held: Held = {
    ...options,
    registers: { import: new Map(), export: new Map() },
    power: { import: [], export: [] },
  };
  const registers = () => FLOWS.flatMap((flow) => [...held.registers[flow].values()]);
  return {
    mounting: options.mounting,
    observe: (reading) => observe(held, reading),
    slot: (start, force) => ({
      import: flowSlot(held, "import", { start, force }),
      export: flowSlot(held, "export", { start, force }),
    }),
    lastHeard(stream) {
      const of = registers().filter((one) => stream === undefined || one.stream === stream);
      const power = stream === undefined ? [held.power.import] : [];
      const times = [...power, ...of.map(({ readings }) => readings)].flatMap(
        (list) => list.at(-1)?.time ?? [],
      );
      return times.length === 0 ? undefined : (Math.max(...times) as Instant);
    },
    events: () =>
      registers().flatMap((one) => lineOf(one).events.map((event) => ({ ...event, stream: one.stream }))),
    spans: () =>
      new Map(
        registers().flatMap(({ stream, readings }) => {
          const [first, last] = [readings[0], readings.at(-1)];
          return first && last ? [[stream, { from: first.time, to: last.time }]] : [];
        }),
      ),
    forgetBefore(time) {
      for (const one of registers()) forgetRegister(one, time);
      for (const flow of FLOWS) forgetBefore(held.power[flow], addMs(time, -LONGEST_INTEGRATED_GAP_MS));
    },
  };
}

/** On the grid side and at a load positive power flows in; on a source it flows out (normalise.ts). */
const forwardFlow = (mounting: Mounting): Flow =>
  mounting === "solar" || mounting === "battery" ? "export" : "import";

function observe(held: Held, { stream, time, value, quality }: Reading): void {
  if (!isUsable(quality)) return;
  const [, quantity = "", channel = ""] = stream.split("/");
  if (quantity === "activePower" && channel === "") {
    const forward = forwardFlow(held.mounting);
    for (const flow of FLOWS)
      insertByTime(held.power[flow], { time, power: flow === forward ? value : 0 - value });
    return;
  }
  const flow = FLOWS.find((one) => QUANTITY[one] === quantity);
  if (!flow) return;
  const register = held.registers[flow].get(channel) ?? newRegister(held, { stream, flow, channel });
  held.registers[flow].set(channel, register);
  if (insertByTime(register.readings, { time, register: value })) register.line = undefined;
}

const newRegister = (
  held: Held,
  { stream, flow, channel }: { readonly stream: StreamId; readonly flow: Flow; readonly channel: string },
): Register => ({
  stream,
  traits: held.traits?.(QUANTITY[flow], channel) ?? {},
  readings: [],
  continuity: held.continuity?.(stream) ?? {},
  line: undefined,
});

const lineOf = (register: Register): RegisterLine =>
  (register.line ??= registerLine(register.readings, {
    traits: register.traits,
    ...register.continuity,
  }));

/**
 * What is cut off the front of a line is remembered as how the register stood there. The cut lies at a point that is
 * what the meter said, so that the line from there on has the same differences.
 */
function forgetRegister(register: Register, time: Instant): void {
  const { points, doubtfulFrom } = lineOf(register);
  const first = points.findLast((point) => point.time <= time && !point.raised);
  if (!first || first === points[0]) return;
  forgetBefore(register.readings, first.time);
  const doubtful = doubtfulFrom !== undefined && doubtfulFrom <= first.time;
  register.continuity = { ...register.continuity, start: { factor: first.factor, doubtful } };
  register.line = undefined;
}

interface Asked {
  readonly start: Instant;
  readonly force: boolean;
}

function flowSlot(held: Held, flow: Flow, asked: Asked): FlowSlot {
  const registers = held.registers[flow];
  if (registers.size === 0) {
    const counts = held.registers.import.size + held.registers.export.size > 0;
    if (counts) return { kind: "absent" };
    return held.power[flow].length === 0 ? { kind: "waiting" } : integrated(held, flow, asked);
  }
  const whole = registers.get("");
  const parts = whole ? [whole] : [...registers.values()];
  const intervals: { stream: StreamId; interval: Interval }[] = [];
  for (const part of parts) {
    const slot = slotOf(lineOf(part), asked.start, held.power[flow]);
    if (slot.kind === "waiting" && !asked.force) return slot;
    if (slot.kind !== "known")
      return isOpen(lineOf(part), asked.start) ? { kind: "unknown" } : integrated(held, flow, asked);
    intervals.push({ stream: part.stream, interval: slot.value });
  }
  return { kind: "known", value: sumOf(intervals) };
}

function sumOf(intervals: FlowEnergy["intervals"]): FlowEnergy {
  return {
    energy: wattHours(intervals.reduce((sum, { interval }) => sum + interval.energy, 0)),
    provenance: leastCertain(intervals.map(({ interval }) => interval.provenance)),
    intervals,
  };
}

/** An event that waits for an operator touches the slot: nothing else stands in for the register there. */
function isOpen({ events, doubtfulFrom }: RegisterLine, start: Instant): boolean {
  const end = addMs(start, SLOT_MS);
  if (doubtfulFrom !== undefined && end > doubtfulFrom) return true;
  return events.some(({ event, effect }) => !effect && event.before.time < end && event.after.time > start);
}

function integrated(held: Held, flow: Flow, { start, force }: Asked): FlowSlot {
  const power = held.power[flow];
  const end = addMs(start, SLOT_MS);
  const value = integrateSlot(start, power);
  if (value) {
    const stream = `${held.device}/${QUANTITY[flow]}` as StreamId;
    return { kind: "known", value: sumOf([{ stream, interval: value.forward }]) };
  }
  // Power that fell silent too long before the slot, or never spoke, will not bridge it.
  const last = power.at(-1)?.time ?? -Infinity;
  const mayGoOn = last < end && last >= start - LONGEST_INTEGRATED_GAP_MS;
  return mayGoOn && !force ? { kind: "waiting" } : { kind: "unknown" };
}
