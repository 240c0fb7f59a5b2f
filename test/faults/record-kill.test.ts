import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { dice, type Dice } from "../../gateway/record/blocks/fixtures/dice.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { openKilledVillage, type KilledVillage } from "../support/killed-village.ts";
import { differenceOf, NO_DIFFERENCE } from "../support/ledger.ts";

/**
 * Promise 1, from the publishers' side: kill -9 at random points, under load and while the record opens, packs and puts
 * its days together. What a PUBACK said is in the record, once. `npm run test:soak` does it ten thousand times.
 */
const KILLS = Number(process.env.FIELDWATT_KILLS ?? 200);
const SEED = Number(process.env.FIELDWATT_SEED ?? 20260615);
/** Villages at a time: one waits for its disk while the other starts. */
const LANES = 2;
const METERS = 3;
/** One cycle in so many is the whole gateway; the others are what a reading passes through. */
const WHOLE_EVERY = 25;
/** One cycle in so many is killed while it opens the record. */
const STARTS_EVERY = 3;
/** The dead process's record is held against the ledger after so many cycles. */
const CHECK_EVERY = 10;

interface Lane {
  readonly village: KilledVillage;
  readonly chance: Dice;
  /** What opening the record took the last time, ms: the kills of starts are spread over as much. */
  openMs: number;
}

/** One life of a process, until it is killed. */
async function live({ village, chance, ...lane }: Lane, cycle: number): Promise<number> {
  const whole = cycle % WHOLE_EVERY === WHOLE_EVERY - 1;
  const running = village.start(whole ? "whole" : "light");
  if (!whole && chance.below(STARTS_EVERY) === 0) {
    await running.opening;
    await wait(chance.below(lane.openMs));
    await running.end("SIGKILL");
    return lane.openMs;
  }
  if (!whole) await running.opening;
  const opening = performance.now();
  await running.ready;
  const openMs = whole ? lane.openMs : Math.ceil(performance.now() - opening);
  await village.publishers[chance.below(METERS)]?.more(1 + chance.below(100));
  await wait(chance.below(12));
  await running.end("SIGKILL");
  return openMs;
}

function compareFrom({ data, publishers }: KilledVillage, from: number): ReturnType<typeof differenceOf> {
  using reader = openRecordReader(data);
  return differenceOf(reader.readings, publishers, from);
}

/** A start that ends well leaves its compiled code behind, which makes the others cheap. */
async function warmUp(village: KilledVillage): Promise<void> {
  const first = village.start("light");
  await first.ready;
  await first.end("SIGTERM");
}

async function killAgainAndAgain(lane: Lane, kills: number): Promise<void> {
  const { village } = lane;
  await warmUp(village);
  let checked = 0;
  for (let cycle = 0; cycle < kills; cycle++) {
    lane.openMs = await live(lane, cycle);
    if (cycle % CHECK_EVERY !== CHECK_EVERY - 1) continue;
    expect(compareFrom(village, checked), `after kill ${cycle + 1}`).toEqual(NO_DIFFERENCE);
    checked = Math.min(...village.publishers.map(({ acknowledged }) => acknowledged.size));
  }
  const last = village.start("light");
  await last.ready;
  await Promise.all(village.publishers.map((publisher) => publisher.drain()));
  await last.end("SIGTERM");
}

it(
  `has every acknowledged reading, once, after ${KILLS} kills with -9`,
  { timeout: 60_000 + KILLS * 3_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "fieldwatt-kill-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(folder, { recursive: true }));
    const opened = await Promise.all(
      Array.from({ length: LANES }, (_, lane) =>
        openKilledVillage({ folder: join(folder, String(lane)), meters: METERS }),
      ),
    );
    const villages = opened.map((village) => stack.use(village));
    await Promise.all(
      villages.map((village, i) =>
        killAgainAndAgain({ village, chance: dice(SEED + i), openMs: 100 }, Math.ceil(KILLS / LANES)),
      ),
    );
    for (const village of villages) {
      expect(compareFrom(village, 0)).toEqual(NO_DIFFERENCE);
      const counts = village.publishers.map(({ sent, acknowledged }) => [sent.length, acknowledged.size]);
      expect(counts.every(([sent, acknowledged]) => sent === acknowledged)).toBe(true);
      expect(counts.flat().every((count) => Number(count) > KILLS)).toBe(true);
    }
  },
);
