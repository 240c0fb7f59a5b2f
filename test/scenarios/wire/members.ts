import { spawn } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { clockLineToText } from "../../../platform/clock.ts";
import { random, type Random } from "../../../simulators/village/random.ts";
import type { Village } from "../kit.ts";
import type { WireEvent } from "./checker.ts";

/**
 * Members who change their minds all the time: on the gateway's HTTP API, by the command line, and by another process
 * that writes into the record. Each keeps at a change until it is acknowledged, whatever happens to the gateway
 * meanwhile, and writes down what may be and what is certain, in the order in which it became so.
 */
export interface Crowd {
  readonly village: Village;
  readonly portal: string;
  readonly offer: string;
  /** What each member's browser shows for who it is. */
  readonly cookies: ReadonlyMap<string, string>;
  readonly seed: number;
  /** Changes of all members together. */
  readonly changes: number;
  readonly events: WireEvent[];
  /** Resolves when the line holds nothing that left the gateway before. */
  drained(): Promise<void>;
}

const DAY_MS = 86_400_000;
/** Of the machine's clock as two processes read it, world ms. */
const CLOCK_SLACK_MS = 50;
const RETRY_MS = 50;
const REQUEST_MS = 20_000;
/** How long another writer of the record is waited for. */
const BUSY_MS = 20_000;
/** What is sent in this time, village ms, after a yes has ended would be seen. */
const AFTER_END_MS = 15 * 60_000;
/** How long one that ends by itself lasts, village minutes. */
const SHORT_MINUTES = [5, 30] as const;
/** One change in so many starts a process of its own; and one is written by this process. */
const BY_PROCESS = 700;
const BY_RECORD = 12;
/** Between two changes of one member, ms: most follow at once, some rest so that figures leave. */
const PAUSE_MS = { often: 30, rest: 600, restOf: 12 } as const;

/** @returns how many changes were acknowledged */
export async function changeMinds(crowd: Crowd): Promise<number> {
  const path = join(crowd.village.folder, "gateway", "record.sqlite");
  using db = new DatabaseSync(path, { timeout: BUSY_MS });
  const [member = ""] = crowd.cookies.keys();
  // As the members read it.
  const offers = await request(crowd, { member, method: "GET", path: "/api/offers" });
  const { policyVersion } = offers as { policyVersion: number };
  let done = 0;
  const live = async (member: string): Promise<void> => {
    const dice = random(crowd.seed, member);
    const mind = openMind({ ...crowd, policyVersion }, member, db);
    while (done < crowd.changes) {
      await mind.change(dice, done++);
      const rests = dice.uniform() * PAUSE_MS.restOf < 1;
      await wait(dice.between(0, rests ? PAUSE_MS.rest : PAUSE_MS.often));
    }
  };
  await Promise.all([...crowd.cookies.keys()].map(live));
  // The last word of everybody is no, so that nothing more is on its way when the wire is looked at.
  for (const member of crowd.cookies.keys())
    await openMind({ ...crowd, policyVersion }, member, db).refuseAll();
  return done;
}

interface Mind {
  /** Says yes where it said no before, and the other way round. */
  change(dice: Random, number: number): Promise<void>;
  refuseAll(): Promise<void>;
}

function openMind(crowd: Crowd & { readonly policyVersion: number }, member: string, db: DatabaseSync): Mind {
  const { village, offer, events } = crowd;
  let agrees = true;
  const yes = (until: number): void => void events.push({ kind: "yes", member, offer, until });
  const api = (method: string, path: string, body?: object) =>
    request(crowd, { member, method, path, ...(body && { body }) });

  async function agree(dice: Random, number: number): Promise<void> {
    yes(Number.MAX_SAFE_INTEGER);
    if (number % BY_PROCESS === 0) {
      await fieldwatt(village, ["consent", "give", "--member", member, "--offer", offer, "--days", "2"]);
      await api("GET", "/api/consents");
      return yes(village.now() + 2 * DAY_MS);
    }
    if (number % BY_RECORD === 0) return agreeShortly(dice.between(...SHORT_MINUTES));
    const days = Math.floor(dice.between(1, 300));
    await api("POST", "/api/consents", { offer, policyVersion: crowd.policyVersion, days });
    yes(village.now() + days * DAY_MS);
  }

  /** As the last one, from now on for some minutes: nobody takes it back, it ends. */
  async function agreeShortly(minutes: number): Promise<void> {
    const given = village.now();
    const expires = given + Math.round(minutes * 60_000);
    repeatYes(db, { member, offer, given, expires });
    yes(expires);
    // Some time of it passes before anything else is said.
    while (village.now() < expires + AFTER_END_MS) await wait(RETRY_MS);
    await api("GET", "/api/consents");
  }

  async function refuse(dice: Random, number: number): Promise<void> {
    if (number % BY_PROCESS === 1) {
      await fieldwatt(village, ["consent", "withdraw", "--member", member, "--offer", offer]);
      await api("GET", "/api/consents");
      return void events.push({ kind: "no", member, offer });
    }
    if (dice.uniform() < 0.2) return refuseAll();
    await api("DELETE", `/api/consents/${offer}`);
    events.push({ kind: "no", member, offer });
  }

  async function refuseAll(): Promise<void> {
    await api("DELETE", "/api/consents");
    events.push({ kind: "no", member });
  }

  return {
    refuseAll,
    async change(dice, number) {
      agrees = !agrees;
      await (agrees ? agree(dice, number) : refuse(dice, number));
    },
  };
}

/** The member's last yes to an offer once more, with all that it says but for its times. */
function repeatYes(
  db: DatabaseSync,
  yes: { readonly member: string; readonly offer: string; readonly given: number; readonly expires: number },
): void {
  const columns = db
    .prepare("SELECT name FROM pragma_table_info('consent') WHERE name NOT IN ('id', 'withdrawn')")
    .all()
    .map(({ name }) => String(name));
  const values = columns.map((name) => (name === "given" || name === "expires" ? `$${name}` : name));
  db.prepare(
    `INSERT INTO consent (${columns.join(", ")}) SELECT ${values.join(", ")} FROM consent
     WHERE member = $member AND offer = $offer ORDER BY id DESC LIMIT 1`,
  ).run(yes);
}

interface Request {
  readonly member: string;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

/** Asks until the gateway answers, and until all that it had sent by then is here. */
async function request(crowd: Crowd, { member, method, path, body }: Request): Promise<unknown> {
  for (;;) {
    const asked = crowd.village.now() - CLOCK_SLACK_MS * crowd.village.line.speed;
    const answer = await fetch(`${crowd.portal}${path}`, {
      method,
      headers: {
        cookie: crowd.cookies.get(member) ?? "",
        origin: crowd.portal,
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    })
      .then(async (response) => ({ response, text: await response.text() }))
      .catch(() => undefined);
    await crowd.drained();
    if (answer) {
      crowd.events.push({ kind: "ran", time: asked });
      const { response, text } = answer;
      if (response.ok) return text === "" ? undefined : JSON.parse(text);
      // Anything but a gateway that is starting or ending is a fault of this test.
      if (response.status < 500) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    await wait(RETRY_MS);
  }
}

const command = join(import.meta.dirname, "..", "..", "..", "cli", "fieldwatt.mjs");

/** The command line on the village's site file; @returns what it printed */
export async function fieldwatt(
  village: Village,
  args: readonly string[],
  { clock = true } = {},
): Promise<string> {
  const time = clock ? ["--clock", clockLineToText(village.line)] : [];
  const child = spawn(
    process.execPath,
    [command, ...args, "--site", join(village.folder, "site.yaml"), ...time],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let [printed, complaint] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (printed += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (complaint += bytes.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`fieldwatt ${args.join(" ")}: ${code}\n${printed}${complaint}`);
  return printed;
}
