import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import type { Child } from "../../cli/demo/children.ts";
import { GATEWAY, OFFERS } from "../../cli/demo/files.ts";
import { freePort } from "../../cli/demo/ports.ts";
import { openAccounts } from "../../platform/web/index.ts";
import { openUplink, type Uplink } from "../../simulators/uplink.ts";
import { random, type Random } from "../../simulators/village/random.ts";
import { eventually, meterOf, one, openVillage, rowsOf, type Village } from "./kit.ts";
import { openMeter } from "./meters.ts";
import { checkWire, type Known, type Logged, type WireEvent } from "./wire/checker.ts";
import { outwardPorts, sharedDrain } from "./wire/drained.ts";
import { changeMinds, fieldwatt } from "./wire/members.ts";

/**
 * All that a real gateway process sends is kept by a proxy while members change their minds thousands of times, the
 * line is cut and the gateway is killed; a checker with its own parser and its own ledger then looks for one byte that
 * no yes covered. FIELDWATT_CHANGES makes it longer, FIELDWATT_SEED makes it another.
 */
const { FIELDWATT_CHANGES = "2000", FIELDWATT_SEED = "20260615" } = process.env;
const CHANGES = Number(FIELDWATT_CHANGES);
const SEED = Number(FIELDWATT_SEED);
const MEMBERS = 14;
/** The last one never agrees to anything. */
const SILENT = MEMBERS - 1;
const SPEED = 1800;
/** A start costs more than all else: on a slow machine there are no more of them, only more cuts. */
const KILLS_MAX = Math.ceil(CHANGES / 700);
const YEAR_MS = 365 * 86_400_000;
/** A real minute takes the village 30 hours on. */
const MONTHS = Array.from({ length: 24 }, (_, i) =>
  new Date(Date.UTC(2026, 5 + i)).toISOString().slice(0, 7),
);

/** Sessions as members have them, and a portal that stays on one port. */
async function prepare(village: Village): Promise<{ portal: string; cookies: Map<string, string> }> {
  const [file, port] = [join(village.folder, "site.yaml"), await freePort()];
  const site = parse(await readFile(file, "utf8")) as object;
  await writeFile(file, stringify({ ...site, portal: { port } }));
  const path = join(village.folder, "gateway", "accounts.sqlite");
  await using accounts = openAccounts({ path, entropy: randomBytes, wallNow: () => Date.now() });
  const cookies = new Map<string, string>();
  for (const id of village.members.filter((_, i) => i !== SILENT)) {
    accounts.addPerson({ id, role: "member" });
    cookies.set(id, `fieldwatt-gateway=${accounts.openSession(id)}`);
  }
  return { portal: `http://127.0.0.1:${port}`, cookies };
}

interface Troubled {
  readonly uplink: Uplink;
  readonly gateway: Child<unknown>;
  readonly events: readonly WireEvent[];
  readonly signal: AbortSignal;
  /** Every port that the gateway was seen connected to. */
  readonly reached: Set<number>;
}

/** The line is cut and mended, and the gateway killed, until there was enough of it. */
async function makeTrouble(
  { uplink, gateway, events, signal, reached }: Troubled,
  dice: Random,
): Promise<number> {
  const sent = () => events.filter(({ kind }) => kind === "bytes").length;
  let kills = 0;
  for (let number = 1; !signal.aborted || kills < 1; number++) {
    const before = sent();
    if (number % 3 === 0 && kills < KILLS_MAX) {
      const pid = gateway.pid();
      if (pid !== undefined) process.kill(pid, "SIGKILL");
      kills++;
    } else {
      uplink.cut();
      await wait(dice.between(100, 1_500));
      uplink.mend();
    }
    await eventually("bytes on the line again", () => sent() > before + 1, 90_000);
    await wait(dice.between(500, 2_500));
    for (const port of outwardPorts(gateway.pid() ?? 0)) reached.add(port);
  }
  return kills;
}

/** How many members the hub has signed for. */
function receivedOf(village: Village): number {
  using db = village.record();
  return one(db, "SELECT count(DISTINCT member) FROM receipt JOIN release USING (sequence)");
}

async function everythingDelivered(village: Village): Promise<void> {
  // As if the hub's list were a day old: it is asked for with the next batch.
  using db = new DatabaseSync(join(village.folder, "gateway", "record.sqlite"), { timeout: 10_000 });
  db.exec("DELETE FROM progress WHERE name = 'held listed'");
  await eventually(
    "an empty outbox, and the hub's list of what it holds",
    () =>
      one(db, "SELECT count(*) FROM outbox") === 0 &&
      one(db, "SELECT count(*) FROM progress WHERE name = 'held listed'") === 1,
    90_000,
  );
}

async function knownOf(village: Village): Promise<Known> {
  const secret = await readFile(join(village.folder, "gateway", "pseudonym.secret"), "utf8");
  return {
    gateway: GATEWAY,
    members: village.members.map((id) => ({ id, words: [id, meterOf(id), `Family of ${id}`] })),
    secret: Buffer.from(secret.trim(), "hex"),
    months: MONTHS,
  };
}

function loggedIn(village: Village): Logged {
  using db = village.record();
  const leaves = rowsOf(db, "SELECT release, text FROM egress_leaf").map((row): [number, string] => [
    Number(row.release),
    (JSON.parse(String(row.text)) as { digest: string }).digest,
  ]);
  const received = rowsOf(db, "SELECT sequence FROM receipt").map((row) => Number(row.sequence));
  return { leaves: new Map(leaves), received };
}

it(
  `sends not one byte that no yes covers, through ${CHANGES} changes of mind, cuts and kills: seen on the wire`,
  { timeout: 300_000 + CHANGES * 150 },
  async () => {
    const events: WireEvent[] = [];
    let uplink: Uplink | undefined;
    await using village = await openVillage({
      ...{ members: MEMBERS, speed: SPEED, silent: [SILENT] },
      async uplinkPort(port) {
        const onSent: Parameters<typeof openUplink>[0]["onSent"] = (piece) =>
          void events.push({ kind: "bytes", ...piece });
        uplink = await openUplink({ target: { host: "127.0.0.1", port }, onSent });
        return uplink.port;
      },
    });
    if (!uplink) throw new Error("there is no line");
    await using line = uplink;
    const { portal, cookies } = await prepare(village);
    for (const member of cookies.keys())
      for (const offer of Object.values(OFFERS))
        events.push({ kind: "yes", member, offer, until: village.line.village + YEAR_MS });
    const hub = await village.startHub();
    const gateway = await village.startGateway();
    const meters = village.members.map((member, i) =>
      openMeter(village, member, { everyMs: 100, wattHours: i + 3 }),
    );
    await eventually("receipts of everybody who agreed", () => receivedOf(village) === cookies.size, 90_000);

    const calm = new AbortController();
    const reached = new Set<number>();
    const about = { uplink: line, gateway, events, signal: calm.signal, reached };
    const trouble = makeTrouble(about, random(SEED, "line"));
    const changes = await changeMinds({
      ...{ village, portal, cookies, events, seed: SEED, changes: CHANGES },
      ...{ offer: OFFERS.trading, drained: sharedDrain(line.port) },
    }).finally(() => calm.abort());
    const kills = await trouble;
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
    await everythingDelivered(village);
    const audit = await fieldwatt(village, ["egress", "audit", "--json"], { clock: false });
    await gateway[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();

    const checked = checkWire(events, await knownOf(village), loggedIn(village));
    expect({ seed: SEED, violations: checked.violations }).toEqual({ seed: SEED, violations: [] });
    expect(JSON.parse(audit)).toMatchObject({ findings: [], listed: expect.any(String) });
    // There is no other way out: the line is all that it was ever connected to.
    expect([...reached]).toEqual([line.port]);
    // It was no idle run: many changes, each agreeing member on the wire, and never the silent one.
    expect(changes).toBeGreaterThanOrEqual(CHANGES);
    expect(kills).toBeGreaterThanOrEqual(1);
    expect(checked.items).toBeGreaterThan(cookies.size);
    expect([...checked.byMember.keys()].toSorted()).toEqual([...cookies.keys()]);
  },
);
