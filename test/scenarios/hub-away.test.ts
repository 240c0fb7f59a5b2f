import { join } from "node:path";
import { expect, it } from "vitest";
import { openStorage } from "../../federation/storage/index.ts";
import { eventually, one, openVillage, rowsOf } from "./kit.ts";
import { openMeter } from "./meters.ts";

const DAY_MS = 86_400_000;

it(
  "keeps a village day of summaries while the hub is away, and delivers them in order, none lost, none twice",
  { timeout: 120_000 },
  async () => {
    await using village = await openVillage({ members: 3, speed: 7200 });
    const meters = village.members.map((member) => openMeter(village, member, { everyMs: 20, wattHours: 7 }));
    const gateway = await village.startGateway();
    const first = await village.startHub();
    const released = () => {
      using db = village.record();
      return one(db, "SELECT count(*) FROM release");
    };
    await eventually(
      "first receipts",
      () => {
        using db = village.record();
        return one(db, "SELECT count(*) FROM receipt") > 5;
      },
      30_000,
    );
    await first[Symbol.asyncDispose]();
    const [left, before] = [village.now(), released()];
    await eventually("a village day without the hub", () => village.now() > left + DAY_MS, 60_000);
    expect(released() - before).toBeGreaterThan(200);

    const back = await village.startHub();
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await eventually(
      "an empty outbox",
      () => {
        using db = village.record();
        return one(db, "SELECT count(*) FROM outbox") === 0;
      },
      60_000,
    );
    await gateway[Symbol.asyncDispose]();
    await back[Symbol.asyncDispose]();

    using db = village.record();
    const sent = rowsOf(db, "SELECT sequence FROM release ORDER BY sequence").map((row) =>
      Number(row.sequence),
    );
    await using storage = await openStorage({ kind: "pglite", dir: join(village.folder, "hub") });
    const arrived = await storage.query("SELECT sequence FROM item ORDER BY received, sequence");
    expect(arrived.map((row) => Number(row.sequence))).toEqual(sent);
    // Slots are cleared in the order of time, each once, and every answer came home.
    const slots = await storage.query("SELECT slot FROM clearing ORDER BY cleared, slot");
    const order = slots.map((row) => Number(row.slot));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order.length).toBeGreaterThan(60);
  },
);
