import { leastCertain } from "../../domain/energy/intervals.ts";
import { balanceOf } from "../../domain/energy/balance.ts";
import {
  powerTrack,
  registerTrack,
  type PowerTrack,
  type RegisterTrack,
  type SlotResult,
} from "../../domain/energy/track.ts";
import type { Boundary } from "../../domain/energy/intervals.ts";
import {
  isUsable,
  memberId,
  type EnergyIntervalSummary,
  type Instant,
  type Interval,
  type MemberId,
  type Reading,
  type StreamId,
} from "../../domain/model/index.ts";
import type { SiteDevice } from "../site/schema.ts";

/**
 * The meters of one member: which registers make up import, export and production, and what one quarter hour of them
 * sums to.
 */
type Flow = "import" | "export";

interface MeteredDevice {
  readonly device: SiteDevice;
  /** By flow and channel; the channel "" is the device as a whole and wins over its phases. */
  readonly registers: Record<Flow, Map<string, RegisterTrack>>;
  readonly power: PowerTrack;
  powerSeen: boolean;
}

export interface MemberMeters {
  readonly member: MemberId;
  /** Takes what the record has committed; other members' readings are ignored. */
  observe(reading: Reading): void;
  settle(stream: StreamId, boundary: Boundary): void;
  slot(start: Instant): SlotResult<MeteredSlot>;
  forgetBefore(time: Instant): void;
}

export interface MeteredSlot {
  readonly summary: EnergyIntervalSummary;
  readonly intervals: readonly { readonly stream: StreamId; readonly interval: Interval }[];
  readonly boundaries: readonly { readonly stream: StreamId; readonly boundary: Boundary }[];
}

type Found = Pick<MeteredSlot, "intervals" | "boundaries">;
const NOTHING: Found = { intervals: [], boundaries: [] };

const METERED = new Set(["grid", "solar", "battery"]);
const QUANTITY: Record<Flow, string> = { import: "activeEnergyImport", export: "activeEnergyExport" };
const MEMBER_NEEDS: Record<string, readonly Flow[]> = {
  grid: ["import", "export"],
  solar: ["export"],
  battery: ["import", "export"],
};

export function memberMeters(id: string, all: readonly SiteDevice[]): MemberMeters {
  const devices = all
    .filter((device) => device.member === id && METERED.has(device.mounting))
    .map((device): MeteredDevice => ({
      device,
      registers: { import: new Map(), export: new Map() },
      power: powerTrack(),
      powerSeen: false,
    }));
  const byId = new Map<string, MeteredDevice>(devices.map((d) => [d.device.id, d]));
  const hasSource = devices.some((d) => d.device.mounting !== "grid");

  return {
    member: memberId(id),
    observe: (reading) => observe(byId, reading),
    settle(stream, boundary) {
      const [device = "", quantity = "", channel = ""] = stream.split("/");
      trackOf(byId.get(device), quantity, channel)?.settle(boundary);
    },
    slot: (start) => memberSlot(memberId(id), devices, { start, hasSource }),
    forgetBefore(time) {
      for (const { registers, power } of devices) {
        power.forgetBefore(time);
        for (const flow of [registers.import, registers.export])
          for (const track of flow.values()) track.forgetBefore(time);
      }
    },
  };
}

function trackOf(
  device: MeteredDevice | undefined,
  quantity: string,
  channel: string,
): RegisterTrack | undefined {
  const flow = (["import", "export"] as const).find((f) => QUANTITY[f] === quantity);
  if (!device || !flow) return undefined;
  let track = device.registers[flow].get(channel);
  if (!track) device.registers[flow].set(channel, (track = registerTrack()));
  return track;
}

function observe(byId: ReadonlyMap<string, MeteredDevice>, { stream, time, value, quality }: Reading): void {
  const [id = "", quantity = "", channel = ""] = stream.split("/");
  const device = byId.get(id);
  if (!device || !isUsable(quality)) return;
  trackOf(device, quantity, channel)?.add({ time, register: value });
  if (quantity === "activePower" && channel === "") {
    device.power.add({ time, power: value });
    device.powerSeen = true;
  }
}

function memberSlot(
  member: MemberId,
  devices: readonly MeteredDevice[],
  { start, hasSource }: { start: Instant; hasSource: boolean },
): SlotResult<MeteredSlot> {
  if (!devices.some((d) => d.device.mounting === "grid")) return { kind: "unknown" };
  const sums = { import: 0, export: 0, production: 0, charge: 0, discharge: 0 };
  let found = NOTHING;
  for (const device of devices) {
    const slot = deviceSlot(device, start, hasSource);
    if (slot.kind !== "known") return slot;
    const { import: into, export: outOf } = slot.value.energy;
    if (device.device.mounting === "grid")
      [sums.import, sums.export] = [sums.import + into, sums.export + outOf];
    if (device.device.mounting === "solar") sums.production += outOf;
    if (device.device.mounting === "battery")
      [sums.charge, sums.discharge] = [sums.charge + into, sums.discharge + outOf];
    found = joined(found, slot.value.found);
  }
  const balance = balanceOf(sums);
  if (!balance) return { kind: "unknown" };
  const provenance = leastCertain(found.intervals.map(({ interval }) => interval.provenance));
  return {
    kind: "known",
    value: { ...found, summary: { kind: "energyInterval", member, start, balance, provenance } },
  };
}

const joined = (a: Found, b: Found): Found => ({
  intervals: [...a.intervals, ...b.intervals],
  boundaries: [...a.boundaries, ...b.boundaries],
});

interface DeviceSlot {
  readonly energy: Record<Flow, number>;
  readonly found: Found;
}

function deviceSlot(metered: MeteredDevice, start: Instant, hasSource: boolean): SlotResult<DeviceSlot> {
  const { device, registers } = metered;
  const counts = registers.import.size + registers.export.size > 0;
  if (!counts) return metered.powerSeen ? integratedSlot(metered, start) : { kind: "waiting" };
  const energy = { import: 0, export: 0 };
  let found = NOTHING;
  for (const flow of MEMBER_NEEDS[device.mounting] ?? []) {
    // A meter without an export register hangs in a house that has nothing to export with; anywhere else its export
    // is unknown, not zero.
    if (registers[flow].size === 0 && !(flow === "export" && device.mounting === "grid" && !hasSource))
      return { kind: "unknown" };
    const slot = flowSlot(metered, flow, start);
    if (slot.kind !== "known") return slot;
    energy[flow] = slot.value.energy;
    found = joined(found, slot.value.found);
  }
  return { kind: "known", value: { energy, found } };
}

function flowSlot(
  { device, registers }: MeteredDevice,
  flow: Flow,
  start: Instant,
): SlotResult<{ energy: number; found: Found }> {
  const whole = registers[flow].get("");
  const tracks: [string, RegisterTrack][] = whole ? [["", whole]] : [...registers[flow]];
  let energy = 0;
  let found = NOTHING;
  for (const [channel, track] of tracks) {
    const slot = track.slot(start);
    if (slot.kind !== "known") return slot;
    const stream = [device.id, QUANTITY[flow], ...(channel ? [channel] : [])].join("/") as StreamId;
    energy += slot.value.interval.energy;
    found = joined(found, {
      intervals: [{ stream, interval: slot.value.interval }],
      boundaries: slot.value.boundaries.map((boundary) => ({ stream, boundary })),
    });
  }
  return { kind: "known", value: { energy, found } };
}

function integratedSlot({ device, power }: MeteredDevice, start: Instant): SlotResult<DeviceSlot> {
  const slot = power.slot(start);
  if (slot.kind !== "known") return slot;
  // On the grid side positive power is import; on a source positive power leaves the device (domain/energy/normalise).
  const grid = device.mounting === "grid";
  const [into, outOf] = grid
    ? [slot.value.forward, slot.value.backward]
    : [slot.value.backward, slot.value.forward];
  const named = (flow: Flow, interval: Interval) => ({
    stream: `${device.id}/${QUANTITY[flow]}` as StreamId,
    interval,
  });
  const intervals = [named("import", into), named("export", outOf)];
  return {
    kind: "known",
    value: { energy: { import: into.energy, export: outOf.energy }, found: { intervals, boundaries: [] } },
  };
}
