import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf, type Clock } from "../../domain/model/index.ts";
import { isNode, type Definitions, type LineSettings, type NodeEntry } from "../../drivers/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { Acquisition } from "../acquire/acquisition.ts";
import { realPath } from "../acquire/buses.ts";
import type { Flows } from "../flows/open.ts";
import { siteDevices } from "../site/devices.ts";
import type { Site } from "../site/load.ts";
import { openNodeJobs, type NodeJob, type NodeJobs } from "./jobs.ts";
import { COMMAND_LINE, hasNodeOrder, takeNodeOrder, tellNodeJob } from "./orders.ts";

/** The field nodes of a site, while its gateway runs. */
export interface SiteNodes extends AsyncDisposable {
  readonly jobs: NodeJobs;
  /** Those that have a key, by number. */
  all(): Promise<readonly SiteNode[]>;
  /** Whether the site file names the co-op's key. */
  readonly mayUpdate: boolean;
  /** Serial lines of the site's nodes. */
  readonly lines: readonly LineSettings[];
}

export interface SiteNode {
  readonly entry: NodeEntry;
  /** Its device in the site file. */
  readonly device: string | undefined;
}

export interface SiteNodesOptions {
  readonly site: Site;
  readonly catalogue: Definitions;
  readonly acquisition: Pick<Acquisition, "wires" | "nodeBook">;
  readonly flows: Pick<Flows, "actuators" | "settings"> | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often the command line's orders are looked for, ms. */
const LOOK_MS = 500;
/** A field node's own rate, where its line is not of the site yet. */
export const FIELD_LINK_BAUD = 38_400;

export function openSiteNodes({
  site,
  acquisition,
  flows,
  clock,
  log,
  catalogue,
}: SiteNodesOptions): SiteNodes {
  const book = acquisition.nodeBook;
  const placed = nodesOf(site, catalogue);
  const { releaseKey } = site.nodes ?? {};
  const jobs = openNodeJobs({
    ...{ book, log, now: () => clock.now(), onChange: tellerOf(site.data, log) },
    atDesk: (line, work) => acquisition.wires.atDesk(line, work),
    releaseKey: async () =>
      releaseKey === undefined ? undefined : keyIn(join(dirname(site.file), releaseKey)),
    taken: (path) => othersOn(path, site, catalogue),
    lineOf: (number) => placed.find((one) => one.number === number)?.line,
    busy: (number) => runningRelay(placed.find((one) => one.number === number)?.device, flows),
  });
  const stop = new AbortController();
  const looking = lookForOrders(site.data, { jobs, clock, log }, stop.signal);
  return {
    jobs,
    mayUpdate: releaseKey !== undefined,
    lines: [...new Map(placed.map(({ line }) => [line.path, line])).values()],
    all: async () =>
      (await book.all()).map((entry) => ({
        entry,
        device: placed.find(({ number }) => number === entry.number)?.device,
      })),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looking;
      await jobs[Symbol.asyncDispose]();
    },
  };
}

interface PlacedNode {
  readonly device: string;
  readonly number: number;
  readonly line: LineSettings;
}

export const nodesOf = (site: Site, catalogue: Definitions): PlacedNode[] =>
  siteDevices(site, catalogue).devices.flatMap(({ device, definition, connection }) => {
    if (!isNode(definition) || connection.kind !== "serial") return [];
    const { path, baudRate = FIELD_LINK_BAUD, address } = connection;
    return [{ device: device.id, number: Number(address), line: { path, baudRate } }];
  });

/** The device of another kind that has this line. */
const othersOn = (path: string, site: Site, catalogue: Definitions): string | undefined =>
  siteDevices(site, catalogue).devices.find(
    ({ definition, connection }) =>
      "path" in connection && realPath(connection.path) === realPath(path) && !isNode(definition),
  )?.device.id;

/** A node that starts anew drops its relay. */
function runningRelay(device: string | undefined, flows: SiteNodesOptions["flows"]): string | undefined {
  const own = flows?.settings.actuators.find(
    ({ connection }) => connection.kind === "node" && connection.device === device,
  );
  const state = own && flows?.actuators.find(own.id)?.state();
  return state?.is === "on" ? `${own?.name ?? device} is on` : undefined;
}

/** The co-op's public key. Throws KEY_INVALID. */
export async function keyIn(file: string): Promise<KeyObject> {
  try {
    const key = createPublicKey(await readFile(file));
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw new FieldwattError("KEY_INVALID", `${file} holds no such key: ${messageOf(cause)}`, { cause });
  }
  throw new FieldwattError("KEY_INVALID", `${file} holds no Ed25519 key`);
}

/** Tells the command line how its own job goes: one write after another, and the last one says how it ended. */
function tellerOf(folder: string, log: Logger): (job: NodeJob) => void {
  let last: Promise<void> = Promise.resolve();
  let newest: NodeJob | undefined;
  return (job) => {
    if (job.by !== COMMAND_LINE) return;
    newest = job;
    last = last
      .then(async () => {
        if (newest === job) await tellNodeJob(folder, job);
      })
      .catch((error: unknown) => log.warn({ because: messageOf(error) }, "a job's state was not written"));
  };
}

interface OrderTaker {
  readonly jobs: NodeJobs;
  readonly clock: Clock;
  readonly log: Logger;
}

async function lookForOrders(folder: string, taker: OrderTaker, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (hasNodeOrder(folder)) await takeOrder(folder, taker);
    await wait(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Whoever gave it hears why it does not begin. */
async function takeOrder(folder: string, { jobs, clock, log }: OrderTaker): Promise<void> {
  const order = await takeNodeOrder(folder);
  if (!order) return log.warn({}, "node-order.json was no order, and is gone");
  try {
    await jobs.begin(order);
  } catch (error) {
    const { id, by, kind } = order;
    const because = messageOf(error);
    await tellNodeJob(folder, { id, by, kind, began: clock.now(), state: "failed", because, nodes: [] });
  }
}
