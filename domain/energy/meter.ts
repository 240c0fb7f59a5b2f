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
import {
  LineEvents,
  registerLine,
  type LineEvent,
  type LineOptions,
  type LineStart,
  type RegisterLine,
} from "./line.ts";
import { TimedValues } from "./timed-values.ts";

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
  /** Lets go of the lines that were drawn; the next look draws them anew. Of 500 meters read each second they take 100 MB. */
  rest(): void;
}

interface Register {
  readonly stream: StreamId;
  readonly traits: RegisterTraits;
  readonly readings: TimedValues;
  continuity: Continuity;
  line: RegisterLine | undefined;
  /** Absent after a reading came out of order, or some were forgotten. */
  events: LineEvents | undefined;
}

interface Held extends DeviceMeterOptions {
  /** By channel; the channel "" is the device as a whole and wins over its phases. */
  readonly registers: Readonly<Record<Flow, Map<string, Register>>>;
  /** By stream; null for what is not energy. */
  readonly places: Map<StreamId, Register | "power" | null>;
  /** W, as the mounting has it. */
  readonly power: TimedValues;
}

export function deviceMeter(options: DeviceMeterOptions): DeviceMeter {
  const held: Held = {
    ...options,
    registers: { import: new Map(), export: new Map() },
    places: new Map(),
    power: new TimedValues(),
  };
  const registers = () => FLOWS.flatMap((flow) => [...held.registers[flow].values()]);
  return {
    mounting: options.mounting,
    observe: (reading) => observe(held, reading),
    slot: (start, force) => ({
      import: flowSlot(held, "import", { start, force }),
      export: flowSlot(held, "export", { start, force }),
    }),
    lastHeard: (stream) => lastHeard(held, stream),
    events: () =>
      registers().flatMap((one) => eventsOf(one).map((event) => ({ ...event, stream: one.stream }))),
    spans: () =>
      new Map(
        registers().flatMap(({ stream, readings }) => {
          const to = readings.lastTime();
          return to === undefined ? [] : [[stream, { from: readings.timeAt(0), to }]];
        }),
      ),
    rest() {
      for (const one of registers()) one.line = undefined;
    },
    forgetBefore(time) {
      for (const one of registers()) forgetRegister(one, time);
      held.power.forgetBefore(addMs(time, -LONGEST_INTEGRATED_GAP_MS));
    },
  };
}

/** On the grid side and at a load positive power flows in; on a source it flows out (normalise.ts). */
const forwardFlow = (mounting: Mounting): Flow =>
  mounting === "solar" || mounting === "battery" ? "export" : "import";

function observe(held: Held, { stream, time, value, quality }: Reading): void {
  if (!isUsable(quality)) return;
  const place = placeOf(held, stream);
  if (place === "power") held.power.insert(time, value);
  else if (place) observeRegister(place, time, value);
}

/** Where the readings of a stream are held; a device has few, and each comes again and again. */
function placeOf(held: Held, stream: StreamId): Register | "power" | null {
  const known = held.places.get(stream);
  if (known !== undefined) return known;
  const [, quantity = "", channel = ""] = stream.split("/");
  const flow = FLOWS.find((one) => QUANTITY[one] === quantity);
  if (!flow) {
    const place = quantity === "activePower" && channel === "" ? "power" : null;
    held.places.set(stream, place);
    return place;
  }
  const register = newRegister(held, { stream, flow, channel });
  held.registers[flow].set(channel, register);
  held.places.set(stream, register);
  return register;
}

function observeRegister(register: Register, time: Instant, value: number): void {
  const at = register.readings.insert(time, value);
  if (at === undefined) return;
  register.line = undefined;
  if (at === register.readings.length - 1) register.events?.add({ time, register: value });
  else register.events = undefined;
}

/** Called for each reading: it goes through the registers without making lists of them. */
function lastHeard({ registers, power }: Held, stream: StreamId | undefined): Instant | undefined {
  let last = stream === undefined ? power.lastTime() : undefined;
  for (const flow of FLOWS) {
    for (const one of registers[flow].values()) {
      const time = stream === undefined || one.stream === stream ? one.readings.lastTime() : undefined;
      if (time !== undefined && (last === undefined || time > last)) last = time;
    }
  }
  return last;
}

const newRegister = (
  held: Held,
  { stream, flow, channel }: { readonly stream: StreamId; readonly flow: Flow; readonly channel: string },
): Register => ({
  stream,
  traits: held.traits?.(QUANTITY[flow], channel) ?? {},
  readings: new TimedValues(),
  continuity: held.continuity?.(stream) ?? {},
  line: undefined,
  events: undefined,
});

const lineOptions = ({ traits, continuity }: Register): LineOptions => ({ traits, ...continuity });

const registerReadings = ({ readings }: Register): RegisterReading[] =>
  readings.list((time, register) => ({ time, register }));

const lineOf = (register: Register): RegisterLine =>
  (register.line ??= registerLine(registerReadings(register), lineOptions(register)));

function eventsOf(register: Register): readonly LineEvent[] {
  if (!register.events) {
    register.events = new LineEvents(lineOptions(register));
    for (const reading of registerReadings(register)) register.events.add(reading);
  }
  return register.events.found();
}

/** In the direction of a flow: positive where it flows that way. */
function powerOf({ mounting, power }: Held, flow: Flow): PowerReading[] {
  const forward = flow === forwardFlow(mounting);
  return power.list((time, value) => ({ time, power: forward ? value : 0 - value }));
}

/**
 * What is cut off the front of a line is remembered as how the register stood there. The cut lies at a point that is
 * what the meter said, so that the line from there on has the same differences.
 */
function forgetRegister(register: Register, time: Instant): void {
  const { points, doubtfulFrom } = lineOf(register);
  const first = points.findLast((point) => point.time <= time && !point.raised);
  // A line of objects is drawn for one look at it; the columns stay.
  register.line = undefined;
  if (!first || first === points[0]) return;
  register.readings.forgetBefore(first.time);
  register.events = undefined;
  const doubtful = doubtfulFrom !== undefined && doubtfulFrom <= first.time;
  register.continuity = { ...register.continuity, start: { factor: first.factor, doubtful } };
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
    return held.power.length === 0 ? { kind: "waiting" } : integrated(held, flow, asked);
  }
  const whole = registers.get("");
  const parts = whole ? [whole] : [...registers.values()];
  const intervals: { stream: StreamId; interval: Interval }[] = [];
  for (const part of parts) {
    const slot = slotFrom(held, flow, { line: lineOf(part), start: asked.start });
    if (slot.kind === "waiting" && !asked.force) return slot;
    if (slot.kind !== "known")
      return isOpen(lineOf(part), asked.start) ? { kind: "unknown" } : integrated(held, flow, asked);
    intervals.push({ stream: part.stream, interval: slot.value });
  }
  return { kind: "known", value: sumOf(intervals) };
}

/** Power tells the shape of a gap, and only where there is one are its readings made objects. */
function slotFrom(
  held: Held,
  flow: Flow,
  { line, start }: { readonly line: RegisterLine; readonly start: Instant },
): SlotResult<Interval> {
  const slot = slotOf(line, start);
  if (slot.kind !== "known" || slot.value.provenance !== "filled") return slot;
  return slotOf(line, start, powerOf(held, flow));
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
  const power = powerOf(held, flow);
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
