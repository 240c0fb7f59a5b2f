import { leastCertain } from "../../domain/energy/intervals.ts";
import {
  deviceMeter,
  ENERGY_MOUNTINGS,
  FLOWS,
  type DeviceMeter,
  type DeviceSlot,
  type Flow,
  type FlowEnergy,
} from "../../domain/energy/meter.ts";
import type { Continuity } from "../../domain/energy/register.ts";
import { householdBalance, type Counted } from "../../domain/energy/tree.ts";
import {
  deviceId,
  memberId,
  type EnergyIntervalSummary,
  type Instant,
  type Interval,
  type Mounting,
  type StreamId,
} from "../../domain/model/index.ts";
import type { SiteDevice } from "../site/schema.ts";
import type { TraitsOf } from "./traits.ts";

/** The site's meters: what one quarter hour of each device holds, and what it sums to for a member. */
export interface Meter {
  readonly device: SiteDevice;
  readonly meter: DeviceMeter;
}

/** Where energy is bought, sold, made and stored: without these there is no balance. */
const NEEDED: Readonly<Partial<Record<Mounting, readonly Flow[]>>> = {
  grid: FLOWS,
  solar: ["export"],
  battery: FLOWS,
  load: ["import"],
  pump: ["import"],
};

export interface MeterOptions {
  readonly traits: TraitsOf;
  continuity(stream: StreamId): Continuity;
}

export const isMeter = ({ mounting }: SiteDevice): boolean => ENERGY_MOUNTINGS.has(mounting);

export const openMeter = (device: SiteDevice, { traits, continuity }: MeterOptions): Meter => ({
  device,
  meter: deviceMeter({
    device: deviceId(device.id),
    mounting: device.mounting,
    traits: traits(device),
    continuity,
  }),
});

export interface Found {
  readonly counted: ReadonlyMap<string, Counted>;
  readonly intervals: readonly { readonly stream: StreamId; readonly interval: Interval }[];
  /** Devices that are still waited for. */
  readonly waiting: readonly string[];
}

export interface SlotAsked {
  readonly start: Instant;
  /** Nothing is waited for. */
  readonly force: boolean;
  readonly all: readonly SiteDevice[];
  /** The slot after this one is asked for at once: what is drawn for this one is kept for it. */
  readonly more?: boolean;
}

/** Each device's slot. */
export function slotOfAll(meters: readonly Meter[], { start, force, all, more = false }: SlotAsked): Found {
  const counted = new Map<string, Counted>();
  const intervals: Found["intervals"][number][] = [];
  const waiting: string[] = [];
  for (const { device, meter } of meters) {
    const slot = meter.slot(start, force);
    const found = countedOf(device, slot, all);
    if (!more) meter.rest();
    if (found === "waiting" && isWaitedFor(device, meter, start)) waiting.push(device.id);
    if (typeof found !== "object") continue;
    counted.set(device.id, found.counted);
    intervals.push(...found.intervals);
  }
  return { counted, intervals, waiting };
}

/** A member's meters are waited for; a sub-meter or a feeder only while it talks. */
function isWaitedFor({ mounting, member }: SiteDevice, meter: DeviceMeter, start: Instant): boolean {
  if (member !== undefined && mounting !== "load" && mounting !== "pump") return true;
  const heard = meter.lastHeard();
  return heard !== undefined && heard >= start;
}

/** Does anything behind this grid meter make or store energy? */
function hasSource({ member }: SiteDevice, all: readonly SiteDevice[]): boolean {
  const behind = member === undefined ? all : all.filter((one) => one.member === member);
  return behind.some(({ mounting }) => mounting === "solar" || mounting === "battery");
}

function countedOf(
  device: SiteDevice,
  slot: DeviceSlot,
  all: readonly SiteDevice[],
): { readonly counted: Counted; readonly intervals: FlowEnergy["intervals"] } | "waiting" | "unknown" {
  const { mounting } = device;
  const counted = { import: 0, export: 0 };
  const intervals: FlowEnergy["intervals"][number][] = [];
  const kinds = (NEEDED[mounting] ?? []).map((flow) => {
    const one = slot[flow];
    if (one.kind === "known") {
      counted[flow] = one.value.energy;
      intervals.push(...one.value.intervals);
    }
    // A meter without an export register hangs in a house that has nothing to export with; anywhere else its export
    // is unknown, not zero.
    if (one.kind === "absent")
      return flow === "export" && mounting === "grid" && !hasSource(device, all) ? "known" : "unknown";
    return one.kind;
  });
  if (kinds.includes("unknown")) return "unknown";
  if (kinds.includes("waiting")) return "waiting";
  return { counted, intervals };
}

/** A member's quarter hour, or undefined where it is unknown. */
export function memberSummary(
  member: string,
  devices: readonly SiteDevice[],
  { start, found }: { readonly start: Instant; readonly found: Found },
): EnergyIntervalSummary | undefined {
  const own = devices.filter((device) => device.member === member && isMeter(device));
  if (!own.some(({ mounting }) => mounting === "grid")) return undefined;
  const result = householdBalance(asTree(own), found.counted);
  if (result.kind !== "known") return undefined;
  const balanced = new Set(own.filter(isBalanced).map(({ id }) => id));
  const parts = found.intervals.filter(({ stream }) => balanced.has(stream.slice(0, stream.indexOf("/"))));
  const provenance = leastCertain(parts.map(({ interval }) => interval.provenance));
  return { kind: "energyInterval", member: memberId(member), start, balance: result.balance, provenance };
}

/** Sub-meters name a use; the balance does not stand on them. */
const isBalanced = ({ mounting }: SiteDevice): boolean => mounting !== "load" && mounting !== "pump";

export const asTree = (devices: readonly SiteDevice[]) =>
  devices.map(({ id, member, mounting, under }) => ({
    id,
    mounting,
    ...(member !== undefined && { member }),
    ...(under !== undefined && { under }),
  }));
