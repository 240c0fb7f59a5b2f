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
import type { Discontinuity, RegisterTraits } from "./continuity.ts";
import { integrateSlot, LONGEST_INTEGRATED_GAP_MS, type PowerReading } from "./fill.ts";
import { leastCertain, slotOf, type SlotResult } from "./intervals.ts";
import type { LineEvent, RegisterLine } from "./line.ts";
import { Register, type Continuity } from "./register.ts";
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
      registers().flatMap((one) => one.events().map((event) => ({ ...event, stream: one.stream }))),
    spans: () =>
      new Map(
        registers().flatMap((one) => {
          const [from, to] = [one.firstTime(), one.lastTime()];
          return from === undefined || to === undefined ? [] : [[one.stream, { from, to }]];
        }),
      ),
    rest() {
      for (const one of registers()) one.rest();
    },
    forgetBefore(time) {
      for (const one of registers()) one.forgetBefore(time);
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
  else place?.observe(time, value);
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
  const traits = held.traits?.(QUANTITY[flow], channel) ?? {};
  const register = new Register(stream, traits, held.continuity?.(stream) ?? {});
  held.registers[flow].set(channel, register);
  held.places.set(stream, register);
  return register;
}

/** Called for each reading: it goes through the registers without making lists of them. */
function lastHeard({ registers, power }: Held, stream: StreamId | undefined): Instant | undefined {
  let last = stream === undefined ? power.lastTime() : undefined;
  for (const flow of FLOWS) {
    for (const one of registers[flow].values()) {
      const time = stream === undefined || one.stream === stream ? one.lastTime() : undefined;
      if (time !== undefined && (last === undefined || time > last)) last = time;
    }
  }
  return last;
}

/** In the direction of a flow: positive where it flows that way. */
function powerOf({ mounting, power }: Held, flow: Flow): PowerReading[] {
  const forward = flow === forwardFlow(mounting);
  return power.list((time, value) => ({ time, power: forward ? value : 0 - value }));
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
    const slot = slotFrom(held, flow, { line: part.line, start: asked.start });
    if (slot.kind === "waiting" && !asked.force) return slot;
    if (slot.kind !== "known")
      return isOpen(part.line, asked.start) ? { kind: "unknown" } : integrated(held, flow, asked);
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
