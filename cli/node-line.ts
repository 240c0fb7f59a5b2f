import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import { FieldwattError, instant } from "../domain/model/index.ts";
import {
  loadCatalogue,
  openNodeBook,
  openNodeDesk,
  type LineSettings,
  type NodeBook,
} from "../drivers/index.ts";
import type { NodeJob, NodeOrder } from "../gateway/nodes/jobs.ts";
import { FIELD_LINK_BAUD, nodesOf } from "../gateway/nodes/open.ts";
import { giveNodeOrder, toldNodeJob, withdrawNodeOrder } from "../gateway/nodes/orders.ts";
import type { Bench } from "../gateway/nodes/work.ts";
import { journalFolder } from "../gateway/record/open.ts";
import { isLocked } from "../gateway/record/lock.ts";
import { RECORD_FILE } from "../gateway/record/reader.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import { wholeNumber } from "./command-line.ts";

/** How a command comes to a node: through the gateway while that runs, or at the line itself. */
export const DEFAULT_SITE = "site.yaml";
export const NUMBER_MAX = 2 ** 32 - 1;

/** The book of the site's gateway. Throws SITE_FILE_UNREADABLE, SITE_FILE_INVALID. */
export const bookOf = async (site: string): Promise<NodeBook> => openNodeBook((await loadSite(site)).data);

export interface LineOptions {
  readonly site: string;
  readonly baud: number;
}

/** The options of a command that speaks to a node itself. */
export const withLine = (command: Command): Command =>
  command
    .option("--site <file>", "the site file", DEFAULT_SITE)
    .option("--baud <rate>", "its rate", wholeNumber({ from: 300, to: 1_000_000 }), FIELD_LINK_BAUD);

/** The line of a node of the site file; undefined where it is not there. */
export async function siteLineOf(site: Site, number: number): Promise<LineSettings | undefined> {
  const catalogue = await loadCatalogue(site.deviceFiles === undefined ? [] : [site.deviceFiles]);
  return nodesOf(site, catalogue).find((one) => one.number === number)?.line;
}

/** Throws SITE_FILE_INVALID where a gateway runs that takes no such orders. */
export function gatewayRuns(site: Site): boolean {
  if (!isLocked(journalFolder(join(site.data, RECORD_FILE)))) return false;
  if (site.nodes) return true;
  const what = `the gateway runs, and ${site.file} has no "nodes: {}": write it there, or stop the gateway`;
  throw new FieldwattError("SITE_FILE_INVALID", what);
}

/** The lines themselves, each opened once. */
export function ownBench(book: NodeBook, signal: AbortSignal): Bench & AsyncDisposable {
  const stack = new AsyncDisposableStack();
  const desks = new Map<string, ReturnType<typeof openNodeDesk>>();
  const open = ({ path, baudRate }: LineSettings) =>
    openNodeDesk({
      ...{ path, baudRate, signal },
      entropy: (bytes) => randomBytes(bytes),
      now: () => instant(Date.now()),
    }).then((desk) => stack.use(desk));
  return {
    book,
    async atDesk(line, work) {
      const desk = desks.get(line.path) ?? open(line);
      desks.set(line.path, desk);
      return work(await desk);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const LOOK_MS = 250;
/** A gateway looks for orders twice a second. */
const TAKEN_WITHIN_MS = 10_000;

type Asked<Order> = Order extends NodeOrder ? Omit<Order, "id" | "by"> : never;

/**
 * Has the running gateway do it, and tells each state of the job. Throws JOB_RUNNING, or JOB_FAILED with what the gateway
 * says where it does not end well.
 */
export async function askGateway(
  { data }: Site,
  asked: Asked<NodeOrder>,
  onState: (job: NodeJob) => void,
): Promise<NodeJob> {
  const id = randomUUID();
  await giveNodeOrder(data, { ...asked, id });
  const asleep = performance.now() + TAKEN_WITHIN_MS;
  for (;;) {
    await wait(LOOK_MS);
    const job = await toldNodeJob(data, id);
    if (job) onState(job);
    if (job?.state === "done") return job;
    if (job) continueOrThrow(job);
    else if (performance.now() > asleep) {
      await withdrawNodeOrder(data);
      throw new FieldwattError("JOB_FAILED", "the gateway does not take the order: is it ending?");
    }
  }
}

function continueOrThrow({ state, because }: NodeJob): void {
  if (state === "failed") throw new FieldwattError("JOB_FAILED", because ?? "the gateway could not do it");
}
