import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { connectAsync } from "mqtt";
import { freePort } from "../../cli/demo/ports.ts";
import { instant } from "../../domain/model/index.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { besidePeer, round, type BenchContext, type Figure } from "../bench.ts";
import {
  end,
  gatewayCommand,
  processorMs,
  startGateway,
  writeSite,
  type BenchSite,
} from "../support/gateway.ts";
import { publish } from "../support/load.ts";
import { startNodeRed } from "../support/node-red.ts";
import { fillRecord } from "./filled.ts";
import { batch, figure, median, newFolder, quantile, reading, START } from "./samples.ts";

/** From exec to the first reading that is durable: on an empty record, after kill -9, with ten million readings. */
const STARTS = 20;
/** One of theirs for so many of ours. */
const NODE_RED_EVERY = 4;
const DEVICES = 50;
const TRY_MS = 5;
const PATIENCE_MS = 60_000;
const KILLED_AFTER_MS = 5_000;
const RECOVERED = 240_000;
const BIG_READINGS = 10_000_000;
const BIG_STARTS = 5;
const PAYLOAD = '{"id":0,"apower":412.5}';

export async function starts(context: BenchContext): Promise<Figure[]> {
  const figures = await execToDurable(context);
  figures.push(await afterKill(context), await storeAfterKill(context));
  figures.push(...(await bigStart(context)));
  return figures;
}

interface Start {
  readonly ms: number;
  readonly cpuMs: number;
}

async function execToDurable(context: BenchContext): Promise<Figure[]> {
  const folder = newFolder(context, "starts");
  const port = await freePort();
  const site = await writeSite(folder, DEVICES, port);
  const log = join(folder, "gateway.log");
  await startOnce(site, port, log);
  const found: Start[] = [];
  const theirs: Start[] = [];
  // In turns, so that both have the same machine.
  for (let i = 0; i < STARTS && !context.signal.aborted; i++) {
    found.push(await startOnce(site, port, log));
    if (i % NODE_RED_EVERY === 0) theirs.push(...(await nodeRedStart(folder)));
  }
  if (theirs.length === 0) context.note("no Node-RED on this machine (npm run bench -- --install-peers)");
  const beside = (own: Figure, name: string, of: (starts: readonly Start[]) => number): Figure =>
    besidePeer(own, theirs.length > 0 ? { name, value: round(of(theirs)) } : undefined);
  const red = `Node-RED without flows, median of ${theirs.length}`;
  const medianMs = (starts: readonly Start[]): number => median(starts.map(({ ms }) => ms));
  const medianCpu = (starts: readonly Start[]): number => median(starts.map(({ cpuMs }) => cpuMs));
  const sorted = found.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const name = `exec to first durable reading, ${DEVICES} devices`;
  return [
    beside(figure(`${name}, p95 of ${STARTS}`, quantile(sorted, 0.95), "ms"), red, medianMs),
    beside(figure(`${name}, median`, medianMs(found), "ms"), red, medianMs),
    beside(figure(`${name}, processor time`, medianCpu(found), "ms"), red, medianCpu),
  ];
}

/** A publisher tries until the broker listens; the time is up when it has its PUBACK. */
async function startOnce(site: BenchSite, port: number, log: string): Promise<Start> {
  const { args, env } = gatewayCommand(site, log);
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"], env });
  try {
    while (!(await answers(port))) {
      if (performance.now() - start > PATIENCE_MS) throw new Error(`nothing listens; see ${log}`);
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
    await publishOne(site, port);
    return { ms: performance.now() - start, cpuMs: processorMs(child.pid ?? 0) };
  } finally {
    await end(child);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function publishOne({ users: [user] }: BenchSite, port: number): Promise<void> {
  if (!user) throw new Error("the site has no device");
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: user.user,
    password: user.password,
  });
  await client.publishAsync(user.topic, PAYLOAD, { qos: 1 });
  await client.endAsync(true);
}

/** One start, or none where it is not installed. */
async function nodeRedStart(folder: string): Promise<Start[]> {
  await using red = await startNodeRed(join(folder, "node-red"), []);
  return red ? [{ ms: red.startMs, cpuMs: red.startCpuMs }] : [];
}

/** The gateway is killed under load, and started again at once. */
async function afterKill(context: BenchContext): Promise<Figure> {
  const folder = newFolder(context, "killed-gateway");
  const port = await freePort();
  const site = await writeSite(folder, DEVICES, port);
  const log = join(folder, "gateway.log");
  {
    await using gateway = await startGateway(site, log);
    const load = {
      port,
      users: site.users,
      payload: PAYLOAD,
      inFlight: 10,
      warmUpMs: 0,
      measureMs: PATIENCE_MS,
    };
    // The publisher ends when the connection breaks.
    const published = publish(load, context.signal).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, KILLED_AFTER_MS));
    process.kill(gateway.pid, "SIGKILL");
    await published;
  }
  const { ms } = await startOnce(site, port, log);
  return figure("exec to first durable reading after kill -9 under load", ms, "ms");
}

/** A copy of the files of a record that is open is what kill -9 leaves. */
async function storeAfterKill(context: BenchContext): Promise<Figure> {
  const from = newFolder(context, "killed");
  const copy = newFolder(context, "recovered");
  {
    await using record = await openRecord({ path: join(from, "record.sqlite") });
    for (let n = 0; n < RECOVERED; n += 100) await record.append(batch(n, 100));
    cpSync(from, copy, { recursive: true });
  }
  const ms = await storeStartMs(copy, RECOVERED);
  return figure(`store alone: start after kill -9, ${RECOVERED} readings not packed`, ms, "ms");
}

/** From opening to the first acknowledged reading. */
async function storeStartMs(folder: string, readings: number): Promise<number> {
  const asked = performance.now();
  await using record = await openRecord({ path: join(folder, "record.sqlite") });
  await record.append([{ ...reading(0), time: instant(START - 1) }]);
  const ms = performance.now() - asked;
  if (record.readings.count() !== readings + 1)
    throw new Error(`${record.readings.count()} readings are there instead of ${readings + 1}`);
  return ms;
}

/** With months of readings on the disk: the store alone, and a gateway from exec to the first durable reading. */
async function bigStart(context: BenchContext): Promise<Figure[]> {
  const folder = newFolder(context, "big");
  const port = await freePort();
  const site = await writeSite(folder, DEVICES, port);
  fillRecord(site.record, BIG_READINGS);
  const store = await storeStartMs(dirname(site.record), BIG_READINGS);
  const found: number[] = [];
  for (let i = 0; i < BIG_STARTS && !context.signal.aborted; i++)
    found.push((await startOnce(site, port, join(folder, "gateway.log"))).ms);
  const what = `${BIG_READINGS.toLocaleString("en")} readings on disk`;
  return [
    figure(`store alone: start with ${what}`, store, "ms"),
    figure(`exec to first durable reading with ${what}, median of ${BIG_STARTS}`, median(found), "ms"),
  ];
}
