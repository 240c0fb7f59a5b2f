import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deviceId, HOUR_MS, instant, SLOT_MS, streamId } from "../../domain/model/index.ts";
import { keeper } from "../../gateway/acquire/keep.ts";
import { openRecord } from "../../gateway/record/open.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import { siteSchema } from "../../gateway/site/schema.ts";
import { steadySummariser } from "../../gateway/summarise/steady.ts";
import { createSummariser } from "../../gateway/summarise/summariser.ts";
import { Timekeeper } from "../../gateway/time/timekeeper.ts";
import { siteWith } from "../support/site.ts";

/**
 * A meter, the keeper, the record and the summariser, whose machine's clock jumps: what the quarter hours say is held
 * against what truly flowed.
 */
const NOON = Date.UTC(2026, 5, 15, 12);
const DAY_MS = 24 * HOUR_MS;
const STEP_MS = 5 * 60_000;
const METER = deviceId("meter-1");
const stream = streamId(METER, "activeEnergyImport");
const quiet = {
  info: () => undefined,
  warn: () => undefined,
  error: (fault: object) => void faults.push(fault),
};

/** What flowed until then, Wh: more in some quarter hours than in others. */
const registerAt = (time: number): number => {
  const minutes = Math.floor((time - NOON) / 60_000);
  return 50_000 + 7 * minutes + 3 * Math.floor(minutes / 40);
};

let folder: string;
let store: RecordStore;
let faults: object[];
let up: number;
/** The machine's clock besides the truth, ms, and whether an NTP service vouches for it. */
let machine: { ahead: number; vouched: boolean };
const now = (): number => NOON + up;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-jump-"));
  [faults, up, machine] = [[], 0, { ahead: 0, vouched: true }];
  store = await openRecord({
    path: join(folder, "record.sqlite"),
    now: () => instant(now() + machine.ahead),
  });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  expect(faults).toEqual([]);
});

async function openGateway() {
  const time = new Timekeeper({
    machine: {
      boot: "boot-1",
      uptime: () => up,
      wall: () => now() + machine.ahead,
      ntp: () => Promise.resolve({ service: true, synchronised: machine.vouched }),
      rtcAgrees: () => false,
    },
    ...{ store, trust: "system", folder, log: quiet },
  });
  const connection = { kind: "modbus-tcp", host: "127.0.0.1" };
  const member = { device: "eastron-sdm120", mounting: "grid", member: "member-1", connection };
  const site = { file: "site.yaml", ...siteSchema.parse(siteWith([member])) };
  await time.look();
  const summariser = steadySummariser(time, (from) => createSummariser(site, store, time.clock, from));
  const onKept = (_: unknown, readings: Parameters<typeof summariser.observe>[0]): void =>
    summariser.observe(readings);
  const keep = keeper({ store, clock: time.clock, log: quiet, time: time.reading, onKept });
  const placement = { device: METER, mounting: "grid", reversed: false, generator: false } as const;
  return {
    time,
    /** Lives on for so long: a look, a reading and a pass of the summariser each five minutes. */
    async live(ms: number): Promise<void> {
      for (const end = up + ms; up < end;) {
        up += STEP_MS;
        await time.look();
        const value = registerAt(now());
        await keep(placement, { samples: [{ quantity: "activeEnergyImport", value }], problems: [] });
        while (await summariser.pass()) continue;
      }
    },
  };
}

interface Held {
  readonly start: number;
  readonly energy: number;
}
const intervals = (): Held[] =>
  store.read
    .prepare("SELECT start, energy FROM interval WHERE stream = ? ORDER BY start")
    .all(stream)
    .map((row) => ({ start: Number(row["start"]), energy: Number(row["energy"]) }));
const truth = (start: number): number => registerAt(start + SLOT_MS) - registerAt(start);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Quarter hours since noon of which the clock was wrong, and the one in which it was put right. */
const [FIRST_TOUCHED, LAST_TOUCHED] = [8, 12];
const JUMPS = [
  ["a day back", -DAY_MS],
  ["a day forth", DAY_MS],
  ["ten years forth", 3_652 * DAY_MS],
] as const;

/** Numbers of the quarter hours since noon that have no interval. */
const unknownSlots = (held: readonly Held[]): number[] => {
  const known = new Set(held.map(({ start }) => start));
  const slots = Math.floor(up / SLOT_MS);
  return Array.from({ length: slots }, (_, i) => i).filter((i) => !known.has(NOON + i * SLOT_MS));
};
/** The first quarter hour has no register before it, the last one may still be open. */
const inside = (slots: readonly number[]): number[] =>
  slots.filter((slot) => slot > 0 && slot < Math.floor(up / SLOT_MS) - 1);

it.each(JUMPS)(
  "nobody vouches for a jump of %s: every quarter hour is there once, to the watt-hour",
  { timeout: 60_000 },
  async (_, jump) => {
    const gateway = await openGateway();
    await gateway.live(2 * HOUR_MS);
    machine = { ahead: jump, vouched: false };
    await gateway.live(HOUR_MS);
    machine = { ahead: 0, vouched: true };
    await gateway.live(26 * HOUR_MS);
    const held = intervals();
    expect(held.filter(({ start, energy }) => energy !== truth(start))).toEqual([]);
    expect(held.every(({ start }) => start >= NOON && start < now())).toBe(true);
    expect(inside(unknownSlots(held))).toEqual([]);
    const readings = store.readings.between(stream, { from: instant(0), to: instant(8e15) });
    expect(readings.map(({ time, value }) => value - registerAt(time)).filter((off) => off !== 0)).toEqual(
      [],
    );
    expect(readings).toHaveLength((29 * HOUR_MS) / STEP_MS);
  },
);

const LIES = JUMPS.flatMap(([what, jump]) => [
  { what, jump, how: "once", vouchedMs: STEP_MS },
  { what, jump, how: "for an hour", vouchedMs: HOUR_MS },
]);

it.each(LIES)(
  "a time server says $how $what, and then the truth: nothing is doubled or made up, and what is unknown says so",
  { timeout: 60_000 },
  async ({ jump, vouchedMs }) => {
    const gateway = await openGateway();
    await gateway.live(2 * HOUR_MS);
    machine = { ahead: jump, vouched: true };
    await gateway.live(vouchedMs);
    machine.vouched = false;
    await gateway.live(HOUR_MS - vouchedMs);
    machine = { ahead: 0, vouched: true };
    await gateway.live(26 * HOUR_MS);
    expect(gateway.time.corrections).toBe(2);
    const held = intervals();
    const told = { from: NOON + 2 * HOUR_MS + jump, to: NOON + 3 * HOUR_MS + jump };
    const outside = held.filter(({ start }) => start < NOON || start >= now());
    // Forwards it is withdrawn; backwards it stays where it was dated, and nothing else has its energy (decision 0009).
    expect(outside.every(({ start }) => jump < 0 && start >= told.from && start < told.to)).toBe(true);
    const unknown = unknownSlots(held);
    expect(inside(unknown).every((slot) => slot >= FIRST_TOUCHED && slot <= LAST_TOUCHED)).toBe(true);
    const total = registerAt(now()) - registerAt(NOON);
    const counted = sum(held.map(({ energy }) => energy));
    const missing = sum(unknown.map((slot) => truth(NOON + slot * SLOT_MS)));
    // The edge between a filled quarter hour and an unknown one is drawn between two readings: a watt-hour beside it.
    if (jump > 0) expect(Math.abs(counted + missing - total)).toBeLessThanOrEqual(1);
    else expect(counted).toBeLessThanOrEqual(total);
  },
);
