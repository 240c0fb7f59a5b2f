import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../cli/demo/ports.ts";

/** A real InfluxDB 1.x, as Debian packs it. */
const INFLUXD = "/usr/bin/influxd";
/** How long it may take to answer, ms. */
const PATIENCE_MS = 20_000;

/** True, with one line on stderr, where there is no influxd; on a CI machine that is a fault. */
export function influxdIsMissing(): boolean {
  if (existsSync(INFLUXD)) return false;
  if (process.env.CI) throw new Error(`${INFLUXD} is missing: apt-get install influxdb`);
  process.stderr.write("InfluxDB test skipped: apt-get install influxdb\n");
  return true;
}

export interface Influxd extends AsyncDisposable {
  readonly url: string;
  /** SIGKILL, as a power cut would. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and folder; resolves when it answers. */
  start(): Promise<void>;
  /** One InfluxQL statement; the rows of all its series, each with its measurement and tags. */
  query(database: string, statement: string): Promise<InfluxRow[]>;
}

export interface InfluxRow {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string | number | null>>;
}

/** Starts InfluxDB in a folder of the test's own, on free ports of the loopback; resolves when it answers. */
export async function openInfluxd(folder: string): Promise<Influxd> {
  const [http, rpc] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${http}`;
  const config = join(folder, "influxdb.conf");
  await writeFile(config, configOf(folder, http, rpc));
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(INFLUXD, ["run", "-config", config], { stdio: "ignore" });
    await untilItAnswers(url, child);
  };
  const stop = async (): Promise<void> => {
    const gone = child && child.exitCode === null ? once(child, "exit") : undefined;
    child?.kill("SIGKILL");
    await gone;
  };
  await start();
  return { url, start, stop, query: (database, q) => query(url, database, q), [Symbol.asyncDispose]: stop };
}

const configOf = (folder: string, http: number, rpc: number): string => `
reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:${http}"
  log-enabled = false
[monitor]
  store-enabled = false
[logging]
  level = "error"
`;

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  const giveUp = AbortSignal.timeout(PATIENCE_MS);
  while (!giveUp.aborted && child.exitCode === null) {
    const answer = await fetch(`${url}/ping`).catch(() => undefined);
    if (answer?.status === 204) return;
    await wait(50);
  }
  throw new Error("influxd does not answer");
}

interface Answer {
  readonly results: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly name: string;
      readonly tags?: Record<string, string>;
      readonly columns: readonly string[];
      readonly values: readonly (string | number | null)[][];
    }[];
  }[];
  readonly error?: string;
}

async function query(url: string, db: string, statement: string): Promise<InfluxRow[]> {
  const body = new URLSearchParams({ db, q: statement, epoch: "ns" });
  const answer = await fetch(`${url}/query`, { method: "POST", body });
  // Nanoseconds do not fit into a number: quote them before they are one.
  const text = (await answer.text()).replace(/\[(\d{16,})/g, '["$1"');
  const { results = [], error } = JSON.parse(text) as Answer;
  const fault = error ?? results.find((result) => result.error !== undefined)?.error;
  if (fault !== undefined) throw new Error(`${statement}: ${fault}`);
  return results.flatMap(({ series = [] }) =>
    series.flatMap(({ name, tags = {}, columns, values }) =>
      values.map((row) => ({
        name,
        tags,
        values: Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])),
      })),
    ),
  );
}
