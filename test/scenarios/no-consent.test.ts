import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { instant, memberId } from "../../domain/model/index.ts";
import { pseudonym } from "../../gateway/release/pseudonym.ts";
import { openUplink, type Uplink } from "../../simulators/uplink.ts";
import { eventually, meterOf, one, openVillage } from "./kit.ts";
import { openMeter } from "./meters.ts";

it(
  "sends not one byte about a member who did not agree: seen on the wire, not in our log",
  { timeout: 120_000 },
  async () => {
    let uplink: Uplink | undefined;
    await using village = await openVillage({
      members: 4,
      speed: 1800,
      silent: [3],
      async uplinkPort(port) {
        uplink = await openUplink({ target: { host: "127.0.0.1", port } });
        return uplink.port;
      },
    });
    await using _proxy = uplink;
    const hub = await village.startHub();
    const gateway = await village.startGateway();
    // The silent member's figures are unmistakable: eighty times the others'. More would be a jump where messages of one
    // millisecond are set apart by one.
    const meters = village.members.map((member, i) =>
      openMeter(village, member, { everyMs: 10, wattHours: i === 3 ? 250 : 3 }),
    );
    await eventually(
      "summaries of everybody, receipts of those who agreed",
      () => {
        using db = village.record();
        const silent = one(db, "SELECT count(*) FROM summary WHERE member = 'household-04' AND decided = 2");
        return silent > 5 && one(db, "SELECT count(*) FROM receipt") > 15;
      },
      90_000,
    );
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await gateway[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();

    const wire = uplink?.sent().toString("latin1") ?? "";
    const secret = Buffer.from(
      (await readFile(join(village.folder, "gateway", "pseudonym.secret"), "utf8")).trim(),
      "hex",
    );
    const traces = (member: string): string[] => [
      member,
      meterOf(member),
      `Family of ${member}`,
      pseudonym(secret, memberId(member), instant(village.line.village)),
    ];
    // The pseudonym of a member who agreed is there, so that a search that finds nothing means something.
    expect(traces("household-01").map((trace) => wire.includes(trace))).toEqual([false, false, false, true]);
    expect(traces("household-04").map((trace) => wire.includes(trace))).toEqual([false, false, false, false]);
    using db = village.record();
    const figures = new Set(
      (
        db.prepare("SELECT energy FROM interval WHERE stream LIKE 'household-04-%'").all() as {
          energy: number;
        }[]
      ).map((row) => row.energy),
    );
    const sent = [...wire.matchAll(/"import":(\d+)/g)].map((match) => Number(match[1]));
    expect(figures.size).toBeGreaterThan(5);
    expect(sent.length).toBeGreaterThan(15);
    expect(sent.filter((energy) => figures.has(energy))).toEqual([]);
  },
);
