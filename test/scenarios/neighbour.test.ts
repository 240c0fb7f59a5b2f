import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { GATEWAY } from "../../cli/demo/files.ts";
import { freePort } from "../../cli/demo/ports.ts";
import { openIdentity } from "../../gateway/site/identity.ts";
import { publicKeyToText } from "../../protocol/keys.ts";
import { eventually, one, openVillage, rowsOf, type Village } from "./kit.ts";
import { openMeter } from "./meters.ts";

/** Two gateways as processes: the one's log of what left is cosigned by the other, until it is rewritten. */
const NEIGHBOUR = "kibwezi-gateway";

async function changeSite(village: Village, change: object): Promise<void> {
  const file = join(village.folder, "site.yaml");
  await writeFile(file, stringify({ ...(parse(await readFile(file, "utf8")) as object), ...change }));
}
const keyOf = async (village: Village): Promise<string> =>
  publicKeyToText((await openIdentity(join(village.folder, "gateway"), randomBytes)).keys.publicKey);

/** The neighbour knows this log, and this gateway asks the neighbour. @returns the neighbour's address */
async function introduce(own: Village, neighbour: Village): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const witnessFor = [{ id: GATEWAY, publicKey: await keyOf(own) }];
  await changeSite(neighbour, { id: NEIGHBOUR, portal: { port }, witnessFor });
  const witnesses = [{ id: NEIGHBOUR, url: `${url}/witness`, publicKey: await keyOf(neighbour) }];
  await changeSite(own, { witnesses });
  return url;
}

/** What a gateway would do that wants something to never have left; the next release is built over it. */
function rewriteLog(village: Village): void {
  using db = new DatabaseSync(join(village.folder, "gateway", "record.sqlite"), {
    timeout: 10_000,
    enableForeignKeyConstraints: false,
  });
  db.exec(`UPDATE egress_leaf SET hash = '${"ab".repeat(32)}' WHERE leaf = 1;
    DELETE FROM egress_node; DELETE FROM egress_head; DELETE FROM egress_cosignature`);
}

const inRecord = (village: Village, sql: string): number => {
  using db = village.record();
  return one(db, sql);
};

it(
  "has its log cosigned by a neighbour's gateway, and is told off when it rewrites it",
  { timeout: 180_000 },
  async () => {
    await using own = await openVillage({ members: 3, speed: 1800 });
    await using neighbour = await openVillage({ members: 1, speed: 1800 });
    const url = await introduce(own, neighbour);
    await neighbour.startGateway();
    const gateway = await own.startGateway();
    const meters = own.members.map((member) => openMeter(own, member, { everyMs: 20, wattHours: 3 }));
    await eventually(
      "two cosigned heads",
      () => inRecord(own, `SELECT count(*) FROM egress_cosignature WHERE witness = '${NEIGHBOUR}'`) >= 2,
      90_000,
    );
    expect(inRecord(neighbour, "SELECT count(*) FROM watched_head")).toBe(1);
    expect(inRecord(neighbour, "SELECT count(*) FROM watched_evidence")).toBe(0);

    await gateway[Symbol.asyncDispose]();
    rewriteLog(own);
    await own.startGateway();
    await eventually(
      "the neighbour's no",
      () => inRecord(own, "SELECT count(*) FROM witness_word WHERE because IS NOT NULL") === 1,
      90_000,
    );
    using db = neighbour.record();
    const [evidence] = rowsOf(db, "SELECT origin, head FROM watched_evidence");
    expect(evidence?.origin).toBe(`fieldwatt/${GATEWAY}/egress`);
    expect(String(evidence?.head)).toContain(`— fieldwatt/${GATEWAY}/egress `);
    const health = (await (await fetch(`${url}/health`)).json()) as { contradictions: number };
    expect(health.contradictions).toBeGreaterThan(0);
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
  },
);
