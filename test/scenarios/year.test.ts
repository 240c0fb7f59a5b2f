import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { normalise } from "../../domain/energy/normalise.ts";
import type { Resolution } from "../../domain/energy/continuity.ts";
import {
  addMs,
  deviceId,
  instant,
  SLOT_MS,
  type EnergyIntervalSummary,
  type Instant,
  type Mounting,
  type Quantity,
  type Reading,
} from "../../domain/model/index.ts";
import { openRecord } from "../../gateway/record/open.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import type { Site } from "../../gateway/site/load.ts";
import { siteSchema } from "../../gateway/site/schema.ts";
import { ledgerEvents } from "../../gateway/summarise/ledger.ts";
import { createSummariser } from "../../gateway/summarise/summariser.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openVillage } from "../../simulators/village/village.ts";

/**
 * A village lives, its counters are reset, replaced, given another unit and roll over, meters fall silent and hand in
 * late what they kept: and at the end every watt-hour that the simulator let flow is accounted for, to the last one.
 * Sixteen days by default; FIELDWATT_YEAR_DAYS=365 is the year.
 */
const DAYS = Number(process.env.FIELDWATT_YEAR_DAYS ?? 16);
const SEED = 20260615;
const HOUSES = 20;
const DAY_MS = 86_400_000;
const STEP_MS = 6 * 3_600_000;
const START = instant(Date.UTC(2026, 0, 1));
const END = addMs(START, DAYS * DAY_MS);
/** What the wires between feeder and houses lose in a quarter hour, Wh. */
const LOSS_WH = 5;
/** A PZEM-004T v3's (its device file). */
const MODULUS = 9_999_990;

const day = (days: number, hours = 0): number => START + days * DAY_MS + hours * 3_600_000;
const id = (house: number, kind: string) => `house-${String(house + 1).padStart(2, "0")}-${kind}`;

/** What happens to a grid meter's import register, and what an operator who was there says of it. */
interface Fate {
  /** The display, from what truly flowed (Wh). */
  display(wh: number, time: number): number;
  readonly silent?: readonly [from: number, to: number];
  /** Readings of this stretch come only at `handedIn`. */
  readonly kept?: { readonly from: number; readonly to: number; readonly handedIn: number };
  says?(before: number): Resolution;
}
const plain = (wh: number): number => wh;
let [atReset, atReplacement, atRollover] = [0, 0, 0];
const FATES: Readonly<Record<number, Fate>> = {
  1: { display: plain, silent: [day(2, 5), day(2, 14)] },
  2: { display: plain, kept: { from: day(3), to: day(5), handedIn: day(7) } },
  3: {
    // Reset between two readings; nobody knows what flowed in between, so that the operator reads it off a sub-meter.
    display(wh, time) {
      if (time < day(5, 12.1)) atReset = Math.floor(wh);
      return time < day(5, 12.1) ? wh : wh - atReset - 3;
    },
    says: () => ({ kind: "registers", oldEnd: atReset + 3, newStart: 0 }),
  },
  4: {
    display: (wh, time) => (time < day(9) ? wh : wh * 1000),
    says: () => ({ kind: "asProposed" }),
  },
  5: {
    display(wh, time) {
      if (time < day(8, 3.3)) atReplacement = Math.floor(wh);
      return time < day(8, 3.3) ? wh : wh - atReplacement + 77_000;
    },
    says: () => ({ kind: "registers", oldEnd: atReplacement, newStart: 77_000 }),
  },
  6: {
    // So near the end of its range that it rolls over within days.
    display(wh) {
      atRollover ||= Math.floor(wh);
      return (wh - atRollover + MODULUS - 4_000) % MODULUS;
    },
  },
};

interface Played {
  readonly id: string;
  readonly mounting: Mounting;
  readonly quantity: Quantity;
  readonly fate: Fate;
  truth(): number;
}

const village = openVillage({ seed: SEED, households: HOUSES, commissioned: addMs(START, -DAY_MS) });

function meters(): readonly Played[] {
  const { households } = village.at(START);
  const none: Fate = { display: plain };
  return households.flatMap((household, house): Played[] => {
    const wh = (flow: "import" | "export" | "production") => () => household.counters[flow] / 60;
    const grid = { id: id(house, "grid"), mounting: "grid" as const };
    return [
      { ...grid, quantity: "activeEnergyImport", fate: FATES[house] ?? none, truth: wh("import") },
      { ...grid, quantity: "activeEnergyExport", fate: none, truth: wh("export") },
      ...(household.peakPower > 0
        ? [
            {
              ...{ id: id(house, "roof"), mounting: "solar" as const, fate: none },
              quantity: "activeEnergyExport" as const,
              truth: wh("production"),
            },
          ]
        : []),
    ];
  });
}

function siteOf(played: readonly Played[]): Site {
  const connection = { kind: "modbus-tcp", host: "h" };
  const devices = [...new Map(played.map((one) => [one.id, one])).values()].map(({ id: name, mounting }) => ({
    ...{ id: name, device: "x", mounting, connection, member: name.slice(0, 8), ratedPower: 23_000 },
    under: mounting === "grid" ? "feeder" : name.replace("roof", "grid"),
  }));
  const members = Array.from({ length: HOUSES }, (_, house) => id(house, "").slice(0, 8));
  return {
    file: "site.yaml",
    ...siteSchema.parse({
      ...{ id: "v", name: "V", timeZone: "Africa/Nairobi", latitude: 0, longitude: 37, elevation: 1600 },
      members: members.map((member) => ({ id: member, name: member })),
      devices: [{ id: "feeder", device: "x", mounting: "grid", connection }, ...devices],
      portal: { port: 0 },
    }),
  };
}

/** Import and export of the whole village where it is connected, with what its wires lose. */
function feeder(played: readonly Played[]): () => { readonly import: number; readonly export: number } {
  const counted = { import: 1_000_000, export: 500_000 };
  const net = () =>
    played
      .filter(({ mounting }) => mounting === "grid")
      .reduce(
        (sum, { quantity, truth }) => sum + Math.floor(truth()) * (quantity.endsWith("Import") ? 1 : -1),
        0,
      );
  let last: number | undefined;
  return () => {
    const now = net();
    const grown = last === undefined ? 0 : now - last + LOSS_WH;
    last = now;
    counted.import += Math.max(0, grown);
    counted.export += Math.max(0, -grown);
    return { ...counted };
  };
}

/** The readings of one moment, and what was kept back until now. */
function readings(played: readonly Played[], time: Instant, held: Reading[]): Reading[] {
  const list: Reading[] = [];
  for (const { id: name, mounting, quantity, fate, truth } of played) {
    const value = fate.display(truth(), time);
    if (fate.silent && time > fate.silent[0] && time < fate.silent[1]) continue;
    const placement = { device: deviceId(name), mounting, reversed: false, generator: false };
    const reading = normalise({ quantity, value, time }, placement, time);
    const { kept } = fate;
    if (kept && time > kept.from && time < kept.to) held.push(reading);
    else list.push(reading);
    if (kept?.handedIn === time) list.push(...held.splice(0));
  }
  return list;
}

const settleEvents = async (store: RecordStore, played: readonly Played[], now: Instant): Promise<void> => {
  for (const event of ledgerEvents(store.read).filter(({ state }) => state === "open")) {
    const owner = played.find((one) => event.stream === `${one.id}/${one.quantity}`);
    const resolution = owner?.fate.says?.(event.before.register);
    if (!resolution) throw new Error(`nobody expected a ${event.kind} of ${event.stream}`);
    await store.run("sayContinuity", { event: event.id, by: "operator", now, says: "correct", resolution });
  }
};

/** Plays the village through the record and the summariser. @returns Wh that truly flowed, by stream */
async function live(store: RecordStore): Promise<Map<string, number>> {
  const played = meters();
  const atFeeder = feeder(played);
  const clock = new ManualClock(START);
  const traits = () => (quantity: Quantity) =>
    quantity === "activeEnergyImport" ? { modulus: MODULUS, mostPower: 23_000 } : { mostPower: 23_000 };
  const summariser = createSummariser(siteOf(played), store, clock, undefined, traits);
  const held: Reading[] = [];
  const [first, last] = [new Map<string, number>(), new Map<string, number>()];
  for (let now = START; now < END; now = addMs(now, STEP_MS)) {
    const batch: Reading[] = [];
    const from = now === START ? START : addMs(now, SLOT_MS);
    for (let time = from; time <= now + STEP_MS; time = addMs(time, SLOT_MS)) {
      village.at(time);
      const whole = atFeeder();
      const truths = [
        ...played.map(
          ({ id: name, quantity, truth }) => [`${name}/${quantity}`, Math.floor(truth())] as const,
        ),
        ["feeder/activeEnergyImport", whole.import] as const,
        ["feeder/activeEnergyExport", whole.export] as const,
      ];
      for (const [stream, wh] of truths) {
        if (time === START) first.set(stream, wh);
        last.set(stream, wh);
      }
      const value = (stream: string, wh: number) => ({ stream, time, value: wh, quality: "ok" }) as Reading;
      batch.push(...readings(played, time, held));
      batch.push(value("feeder/activeEnergyImport", whole.import));
      batch.push(value("feeder/activeEnergyExport", whole.export));
    }
    await store.append(batch);
    summariser.observe(batch);
    await clock.advance(STEP_MS);
    while (await summariser.pass()) continue;
    await settleEvents(store, played, clock.now());
  }
  for (let i = 0; i < 3; i++) {
    await clock.advance(20 * 60_000);
    while (await summariser.pass()) continue;
  }
  return new Map([...last].map(([stream, wh]) => [stream, wh - (first.get(stream) ?? 0)]));
}

describe("a village's life", () => {
  it("accounts for every watt-hour, whatever its counters did", { timeout: 1_200_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "fieldwatt-year-"));
    try {
      await using store = await openRecord({ path: join(folder, "record.sqlite") });
      const truth = await live(store);
      const sums = store.read.prepare(
        "SELECT stream, sum(energy) AS wh, count(*) AS n FROM interval GROUP BY stream",
      );
      const counted = new Map(sums.all().map(({ stream, wh, n }) => [String(stream), { wh, n }]));
      const slots = (DAYS * DAY_MS) / SLOT_MS;
      expect(Object.fromEntries(counted)).toEqual(
        Object.fromEntries([...truth].map(([stream, wh]) => [stream, { wh, n: slots }])),
      );
      expect(
        ledgerEvents(store.read)
          .map(({ kind, state }) => `${kind} ${state}`)
          .toSorted(),
      ).toEqual(["replaced settled", "reset settled", "rollover counted", "scale settled"]);
      expectBalances(store, slots);
      expectLosses(store, slots);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Every house's quarter hour is known, and its balance closes exactly. */
function expectBalances(store: RecordStore, slots: number): void {
  const rows = store.read.prepare("SELECT summary FROM summary WHERE kind = 'energyInterval'").all();
  expect(rows).toHaveLength(HOUSES * slots);
  const open = rows.filter(({ summary }) => {
    const { balance: b } = JSON.parse(String(summary)) as EnergyIntervalSummary;
    return b.import + b.production + b.discharge !== b.consumption + b.export + b.charge;
  });
  expect(open).toEqual([]);
}

/** What the feeder counted beyond the houses is exactly what the wires lost. */
function expectLosses(store: RecordStore, slots: number): void {
  const sql = `SELECT sum(iif(stream LIKE 'feeder/%', 1, -1) * iif(stream LIKE '%Import', energy, -energy)) AS wh
    FROM interval WHERE stream LIKE '%grid/%' OR stream LIKE 'feeder/%'`;
  expect(Number(store.read.prepare(sql).get()?.wh)).toBe(LOSS_WH * slots);
}
