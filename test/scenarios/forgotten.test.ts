import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Child } from "../../cli/demo/children.ts";
import { GATEWAY, OFFERS } from "../../cli/demo/files.ts";
import { instant, memberId, type OfferId } from "../../domain/model/index.ts";
import { openHubKeys } from "../../federation/hub-keys.ts";
import { askedFor, type Asked } from "../../gateway/erasure/asked.ts";
import { openCommands } from "../../gateway/record/open.ts";
import { auditEgress } from "../../gateway/release/audit.ts";
import { logSigner } from "../../gateway/release/egress-log.ts";
import { pseudonym } from "../../gateway/release/pseudonym.ts";
import { openIdentity } from "../../gateway/site/identity.ts";
import { answerHolds } from "../../protocol/erasure.ts";
import { eventually, one, openVillage } from "./kit.ts";
import { openMeter } from "./meters.ts";

const [leaver, stayer] = ["household-01", "household-02"];

it(
  "has a member's releases deleted at the hub after a withdrawal, through kill -9 of both sides, and keeps the signed word",
  { timeout: 180_000 },
  async () => {
    await using village = await openVillage({ members: 2, speed: 1800 });
    const receipts = (member: string): number => {
      using db = village.record();
      const sql = `SELECT count(*) FROM receipt JOIN release USING (sequence) WHERE member = '${member}'`;
      return one(db, sql);
    };
    const asked = (): Asked | undefined => {
      using db = village.record();
      return askedFor(db, { member: leaver, limit: 1 })[0];
    };
    const away = await village.startHub();
    const gateway = await village.startGateway();
    const meters = village.members.map((member) => openMeter(village, member, { everyMs: 20, wattHours: 3 }));
    await eventually("receipts of both", () => receipts(leaver) > 3 && receipts(stayer) > 3, 90_000);

    await away[Symbol.asyncDispose]();
    {
      await using store = await openCommands({ path: join(village.folder, "gateway", "record.sqlite") });
      const words = { member: memberId(leaver), offer: OFFERS.trading as OfferId };
      await store.run("withdrawConsent", { ...words, withdrawn: instant(village.now()) });
    }
    // Right after the withdrawal, whether or not the request is on record already.
    kill(gateway);
    await eventually("a request, with nobody there to answer it", () => asked() !== undefined, 60_000);
    expect(asked()?.answered).toBeUndefined();
    const hub = await village.startHub();
    kill(hub);
    const { answer, request } = await eventually(
      "the hub's signed answer",
      () => {
        const found = asked();
        return found?.answered && { answer: found.answered.answer, request: found.request };
      },
      90_000,
    );
    const hubKeys = await openHubKeys(join(village.folder, "hub"));
    expect(answerHolds(answer, request, hubKeys.publicKey)).toBe(true);
    expect(answer.parts.flatMap(({ releases }) => releases).length).toBe(request.releases.length);

    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await gateway[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    // What a hub that ended had not cleaned yet it cleans before it is ready again.
    await (await village.startHub())[Symbol.asyncDispose]();
    const { secret, keys } = await openIdentity(join(village.folder, "gateway"), randomBytes);
    // As it stands in every item that left; a settled trade, which stays, is written otherwise.
    const end = (member: string) =>
      `"subject":"${pseudonym(secret, memberId(member), instant(village.line.village))}"}`;
    const traces = [leaver, stayer].map(
      (member) => filesWith(join(village.folder, "hub"), end(member)).length > 0,
    );
    // The one who stayed is there, so that a search that finds nothing means something.
    expect(traces).toEqual([false, true]);
    using db = village.record();
    expect(auditEgress({ db, log: logSigner(GATEWAY, keys) }).findings).toEqual([]);
  },
);

function kill(child: Child<unknown>): void {
  const pid = child.pid();
  // Started again at once, as by systemd.
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}

const filesWith = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(folder, name);
    return statSync(path).isFile() && readFileSync(path).includes(text);
  });
