import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { OFFERS } from "../../cli/demo/files.ts";
import { instant, memberId, type OfferId } from "../../domain/model/index.ts";
import { openCommands } from "../../gateway/record/open.ts";
import { auditEgress } from "../../gateway/release/audit.ts";
import { logSigner } from "../../gateway/release/egress-log.ts";
import { pseudonym } from "../../gateway/release/pseudonym.ts";
import { openIdentity } from "../../gateway/site/identity.ts";
import { GATEWAY } from "../../cli/demo/files.ts";
import { openUplink, type Uplink } from "../../simulators/uplink.ts";
import { eventually, one, openVillage } from "./kit.ts";
import { openMeter } from "./meters.ts";

it(
  "sends not one byte of a member who took it back while the hub was away, of all that waits: seen on the wire",
  { timeout: 90_000 },
  async () => {
    let uplink: Uplink | undefined;
    await using village = await openVillage({
      members: 3,
      speed: 1800,
      async uplinkPort(port) {
        uplink = await openUplink({ target: { host: "127.0.0.1", port } });
        return uplink.port;
      },
    });
    await using _proxy = uplink;
    const [leaver, stayer] = ["household-01", "household-02"];
    const waiting = (member: string): number => {
      using db = village.record();
      const sql = `SELECT count(*) FROM outbox JOIN release USING (sequence) WHERE member = '${member}'`;
      return one(db, sql);
    };
    const gateway = await village.startGateway();
    const meters = village.members.map((member) => openMeter(village, member, { everyMs: 10, wattHours: 3 }));
    await eventually("a full outbox", () => waiting(leaver) > 8 && waiting(stayer) > 8, 45_000);

    {
      await using store = await openCommands({ path: join(village.folder, "gateway", "record.sqlite") });
      const offer = OFFERS.trading as OfferId;
      await store.run("withdrawConsent", {
        member: memberId(leaver),
        offer,
        withdrawn: instant(village.now()),
      });
    }
    expect(waiting(leaver)).toBe(0);
    const hub = await village.startHub();
    await eventually(
      "receipts of those who stayed, and the hub knows of the gaps",
      () => {
        using db = village.record();
        const receipts = one(db, "SELECT count(*) FROM receipt");
        return receipts > 15 && one(db, "SELECT count(*) FROM dropped WHERE told = 0") === 0;
      },
      45_000,
    );
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await gateway[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();

    const wire = uplink?.sent().toString("latin1") ?? "";
    const { secret, keys } = await openIdentity(join(village.folder, "gateway"), randomBytes);
    const traces = [leaver, stayer].map((member) =>
      wire.includes(pseudonym(secret, memberId(member), instant(village.line.village))),
    );
    // The one who stayed is there, so that a search that finds nothing means something.
    expect(traces).toEqual([false, true]);
    using db = village.record();
    expect(
      one(db, `SELECT count(*) FROM dropped JOIN release USING (sequence) WHERE member <> '${leaver}'`),
    ).toBe(0);
    expect(
      one(db, `SELECT count(*) FROM receipt JOIN release USING (sequence) WHERE member = '${leaver}'`),
    ).toBe(0);
    const audit = auditEgress({ db, log: logSigner(GATEWAY, keys) });
    expect(audit.findings).toEqual([]);
    expect(audit.dropped).toBeGreaterThan(8);
  },
);
