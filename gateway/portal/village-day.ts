import type { DatabaseSync } from "node:sqlite";
import { residuals, villageBalance, type Counted, type VillageBalance } from "../../domain/energy/tree.ts";
import {
  addMs,
  dayBounds,
  instant,
  SLOT_MS,
  wattHours,
  type Day,
  type EnergyBalance,
  type Instant,
  type StreamId,
} from "../../domain/model/index.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import { asTree, isMeter } from "../summarise/meters.ts";
import { intervalStreams } from "../summarise/source.ts";
import type { MemberDay } from "./day.ts";

/** The village's civil day: the balance of everything that is metered, quarter hour by quarter hour. */
export interface VillageDay extends MemberDay {
  /** Over the quarter hours of which all is known; absent where no feeder has meters under it. */
  readonly losses?: number;
  /** Quarter hours that each device leaves unknown. */
  readonly missing: readonly (readonly [device: string, slots: number])[];
  /** Devices that say less than what is under them, and by how many Wh of the day. */
  readonly contradictions: readonly (readonly [device: string, wattHours: number])[];
}

const FIELDS = ["import", "export", "production", "charge", "discharge", "consumption"] as const;

export function villageDay(
  { read, readings }: Pick<RecordStore, "read" | "readings">,
  { site, day, now }: { readonly site: Site; readonly day: Day; readonly now: Instant },
): VillageDay {
  const { start, end } = dayBounds(day, site.timeZone);
  const devices = asTree(site.devices.filter(isMeter));
  const streams = devices.flatMap(({ id }) => intervalStreams(readings, id));
  const counted = countedBySlot(read, streams, { from: start, to: end });
  const [missing, contradictions] = [new Map<string, number>(), new Map<string, number>()];
  const total = { losses: 0, selfConsumption: 0, ...Object.fromEntries(FIELDS.map((name) => [name, 0])) };
  const sums = total as Record<(typeof FIELDS)[number] | "losses" | "selfConsumption", number>;
  const slots: { start: Instant; balance?: EnergyBalance }[] = [];
  for (let slot = start; addMs(slot, SLOT_MS) <= Math.min(end, now); slot = addMs(slot, SLOT_MS)) {
    const known = counted.get(slot) ?? new Map<string, Counted>();
    const village = villageBalance(devices, known);
    const balance = asBalance(village);
    slots.push({ start: slot, ...(balance && { balance }) });
    for (const id of village.unknown) missing.set(id, (missing.get(id) ?? 0) + 1);
    for (const { id, wattHours: wh, contradiction } of residuals(devices, known))
      if (contradiction) contradictions.set(id, (contradictions.get(id) ?? 0) - wh);
    if (!balance) continue;
    for (const name of [...FIELDS, "selfConsumption"] as const) sums[name] += balance[name];
    sums.losses += village.losses ?? 0;
  }
  const { losses, ...energy } = sums;
  const grids = new Set(devices.flatMap(({ id, mounting }) => (mounting === "grid" ? [id] : [])));
  const hasFeeder = devices.some(({ mounting, under }) => mounting === "grid" && grids.has(under ?? ""));
  return {
    ...{ day, start, end, slots },
    ...(hasFeeder && { losses }),
    total: energy as EnergyBalance,
    known: slots.filter(({ balance }) => balance).length,
    missing: [...missing].toSorted((a, b) => b[1] - a[1]),
    contradictions: [...contradictions].toSorted((a, b) => b[1] - a[1]),
  };
}

/** Import and export of every device in every quarter hour that is known. */
function countedBySlot(
  db: DatabaseSync,
  streams: readonly StreamId[],
  { from, to }: { readonly from: Instant; readonly to: Instant },
): Map<Instant, Map<string, Counted>> {
  const slots = new Map<Instant, Map<string, Counted>>();
  const rows = db.prepare("SELECT start, energy FROM interval WHERE stream = ? AND start >= ? AND start < ?");
  const all = streams.flatMap((stream) => rows.all(stream, from, to).map((row) => ({ stream, ...row })));
  for (const { stream, start, energy } of all as { stream: StreamId; start: unknown; energy: unknown }[]) {
    const [device = "", quantity] = stream.split("/");
    const slot = slots.get(instant(Number(start))) ?? new Map<string, Counted>();
    slots.set(instant(Number(start)), slot);
    const { import: into, export: outOf } = slot.get(device) ?? { import: 0, export: 0 };
    const wh = Number(energy);
    slot.set(
      device,
      quantity === "activeEnergyImport"
        ? { import: into + wh, export: outOf }
        : { import: into, export: outOf + wh },
    );
  }
  return slots;
}

/** Whole and in the words of a balance, where nothing of it is unknown and more came in than went out. */
function asBalance(village: VillageBalance): EnergyBalance | undefined {
  const { import: into, export: outOf, production, charge, discharge, consumption } = village;
  if (into === undefined || outOf === undefined || production === undefined) return undefined;
  if (charge === undefined || discharge === undefined || consumption === undefined) return undefined;
  if (consumption < 0) return undefined;
  return {
    ...{ import: into, export: outOf, production, charge, discharge, consumption: wattHours(consumption) },
    selfConsumption: wattHours(production - Math.min(production, outOf)),
  };
}
