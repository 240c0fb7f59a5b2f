import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openStorage } from "../../federation/storage/index.ts";
import { join } from "node:path";
import { sha256Hex } from "../../protocol/keys.ts";
import { eventually, one, openVillage, rowsOf, type Village } from "./kit.ts";
import { openMeter, type Meter } from "./meters.ts";

const KILLS = 5;

/** Registers that the record holds of a meter. */
function kept(village: Village, meter: Meter): Set<number> {
  using record = village.reader();
  const stream = streamId(deviceId(meter.id), "activeEnergyImport");
  return new Set(
    record.readings.between(stream, { from: instant(0), to: instant(9e12) }).map(({ value }) => value),
  );
}

it(
  "loses no acknowledged reading and delivers each summary once, while the gateway is killed with -9 under load",
  { timeout: 120_000 },
  async () => {
    await using village = await openVillage({ members: 6, speed: 1800 });
    const hub = await village.startHub();
    const gateway = await village.startGateway();
    const meters = village.members.map((member) => openMeter(village, member, { everyMs: 2, wattHours: 1 }));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = meters.reduce((sum, meter) => sum + meter.acknowledged.size, 0);
      await wait(700 + kill * 211);
      const pid = gateway.pid();
      if (pid !== undefined) process.kill(pid, "SIGKILL");
      // The supervisor starts it again, as systemd would; the meters come back and go on.
      await eventually(
        "acknowledgements after a restart",
        () => meters.reduce((sum, m) => sum + m.acknowledged.size, 0) > before + 500,
      );
    }
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await eventually(
      "an empty outbox",
      () => {
        using db = village.record();
        return one(db, "SELECT count(*) FROM release") > 20 && one(db, "SELECT count(*) FROM outbox") === 0;
      },
      30_000,
    );
    await gateway[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();

    for (const meter of meters) {
      const record = kept(village, meter);
      const lost = [...meter.acknowledged].filter((register) => !record.has(register));
      expect(meter.acknowledged.size).toBeGreaterThan(100);
      expect(lost).toEqual([]);
    }
    await expectDeliveredOnce(village);
  },
);

async function expectDeliveredOnce(village: Village): Promise<void> {
  using db = village.record();
  // A slot that closes just before the end leaves with the next start: it waits, and the hub does not have it.
  const sql =
    "SELECT sequence, item FROM release WHERE sequence NOT IN (SELECT sequence FROM outbox) ORDER BY sequence";
  const released = rowsOf(db, sql);
  await using storage = await openStorage({ kind: "pglite", dir: join(village.folder, "hub") });
  const held = await storage.query("SELECT sequence, digest FROM item ORDER BY sequence");
  expect(held.map((row) => [Number(row.sequence), row.digest])).toEqual(
    released.map((row) => [row.sequence, sha256Hex(String(row.item))]),
  );
}
