import type { KeyObject } from "node:crypto";
import { FieldwattError, messageOf, type Instant } from "../../domain/model/index.ts";
import { verifyImage, type Image } from "../../drivers/field-link/image.ts";
import type { LineSettings, NodeEntry } from "../../drivers/index.ts";
import type { Logger } from "../../platform/log.ts";
import { provisionNode, siteLines, updateNodes, type Bench, type NodeOnLine } from "./work.ts";

/** One job at the nodes, and how far it is. */
export interface NodeJob {
  /** Whoever asked for it knows it again. */
  readonly id: string;
  readonly kind: "provision" | "update";
  readonly by: string;
  readonly began: Instant;
  readonly state: "running" | "done" | "failed";
  /** Why it failed. */
  readonly because?: string;
  readonly nodes: readonly JobNode[];
  /** Of a node that was provisioned: what is to be written into `devices:`. */
  readonly lines?: string;
}

export interface JobNode {
  readonly number: number;
  readonly state: "waits" | "sending" | "done" | "failed" | "leftAlone";
  /** 0 to 1 of the program that has arrived. */
  readonly share: number;
  readonly from?: string;
  readonly to?: string;
}

export type NodeOrder = { readonly id: string; readonly by: string } & (
  | {
      readonly kind: "provision";
      readonly line: LineSettings;
      readonly number?: number;
      readonly interval: number;
      readonly windowMs: number;
    }
  | { readonly kind: "update"; readonly image: Uint8Array; readonly numbers: readonly number[] }
);

/** Provisioning and updates of nodes by the running gateway, one at a time: a person stands before one node. */
export interface NodeJobs extends AsyncDisposable {
  /** Resolves when it has begun. Throws JOB_RUNNING, OPTION_INVALID, UPDATE_REFUSED, DEVICE_UNKNOWN, KEY_INVALID; then nothing was sent. */
  begin(order: NodeOrder): Promise<NodeJob>;
  /** The one that runs, or the last one. */
  job(): NodeJob | undefined;
}

export interface NodeJobsOptions extends Bench {
  readonly now: () => Instant;
  readonly log: Pick<Logger, "info" | "warn">;
  /** The co-op's key; undefined where the site file names none. Throws KEY_INVALID. */
  releaseKey(): Promise<KeyObject | undefined>;
  /** Where a node of the site file hangs. */
  lineOf(number: number): LineSettings | undefined;
  /** The device of another kind on a serial line. */
  taken(path: string): string | undefined;
  /** Why a node must not start anew now: its pump runs. */
  busy(number: number): string | undefined;
  /** Called at each change of the job. */
  onChange(job: NodeJob): void;
}

export function openNodeJobs(options: NodeJobsOptions): NodeJobs {
  const { now, log, onChange } = options;
  const stop = new AbortController();
  let current: NodeJob | undefined;
  let running: Promise<void> | undefined;
  const change = (more: Partial<NodeJob>): void => {
    if (!current) return;
    current = { ...current, ...more };
    onChange(current);
  };
  const run = async (work: () => Promise<Partial<NodeJob>>): Promise<void> => {
    try {
      change({ ...(await work()), state: "done" });
    } catch (error) {
      change({ state: "failed", because: messageOf(error), nodes: failed(current?.nodes ?? []) });
    }
    const { id: _id, lines: _lines, nodes, ...about } = current ?? never();
    const said = { ...about, nodes: nodes.map(({ number, state, to }) => ({ number, state, to })) };
    log[about.state === "done" ? "info" : "warn"](said, "a job at the nodes is over");
  };
  return {
    async begin(order) {
      if (running)
        throw new FieldwattError("JOB_RUNNING", "A job at the nodes is going on: wait for its end.");
      const { id, by, kind } = order;
      const { nodes, work } =
        order.kind === "provision"
          ? provisioning(order, options, stop.signal)
          : await updating(order, options, change);
      // Another one may have begun while this one's image was verified.
      if (running)
        throw new FieldwattError("JOB_RUNNING", "A job at the nodes is going on: wait for its end.");
      current = { id, by, kind, began: now(), state: "running", nodes };
      onChange(current);
      running = run(work).finally(() => (running = undefined));
      return current;
    },
    job: () => current,
    async [Symbol.asyncDispose]() {
      stop.abort(new FieldwattError("BUS_CLOSED", "the gateway ends"));
      await running;
    },
  };
}

interface Planned {
  readonly nodes: readonly JobNode[];
  readonly work: () => Promise<Partial<NodeJob>>;
}

function provisioning(
  order: Extract<NodeOrder, { kind: "provision" }>,
  bench: NodeJobsOptions,
  signal: AbortSignal,
): Planned {
  const { path } = order.line;
  const other = bench.taken(path);
  if (other !== undefined) throw new FieldwattError("OPTION_INVALID", `${path} is the line of ${other}`);
  return {
    nodes: [],
    async work() {
      const { number, firmware: to } = await provisionNode(order, bench, signal);
      const lines = siteLines(order.line, number, order.interval);
      return { lines, nodes: [{ number, state: "done", share: 1, to }] };
    },
  };
}

async function updating(
  { image: bytes, numbers }: Extract<NodeOrder, { kind: "update" }>,
  options: NodeJobsOptions,
  change: (more: Partial<NodeJob>) => void,
): Promise<Planned> {
  const image = verifyImage(bytes, (await options.releaseKey()) ?? noKey());
  const nodes: NodeOnLine[] = [];
  for (const number of numbers) nodes.push(await onLine(number, options));
  let states = nodes.map(({ entry }) => waiting(entry, image));
  const set = ({ number }: NodeEntry, more: Partial<JobNode>): void => {
    states = states.map((one) => (one.number === number ? { ...one, ...more } : one));
    change({ nodes: states });
  };
  return {
    nodes: states,
    async work() {
      await updateNodes({ nodes, image }, options, {
        begun: (entry) => set(entry, { state: "sending" }),
        sent: (entry, share) => set(entry, { share }),
        done: (before, { firmware: to }) => set(before, { state: "done", share: 1, to }),
      });
      return {};
    },
  };
}

const waiting = ({ number, firmware: from }: NodeEntry, { version: to }: Image): JobNode => ({
  ...{ number, state: "waits", share: 0, from, to },
});

/** The one that was in hand failed; those behind it are as they were. */
const failed = (nodes: readonly JobNode[]): JobNode[] =>
  nodes.map((one) => ({
    ...one,
    state: one.state === "sending" ? "failed" : one.state === "waits" ? "leftAlone" : one.state,
  }));

async function onLine(number: number, { book, lineOf, busy }: NodeJobsOptions): Promise<NodeOnLine> {
  const [entry, line] = [await book.find(number), lineOf(number)];
  if (!entry) throw new FieldwattError("DEVICE_UNKNOWN", `there is no node ${number} in the book`);
  if (!line) throw new FieldwattError("DEVICE_UNKNOWN", `node ${number} is no device of the site file`);
  const because = busy(number);
  if (because !== undefined)
    throw new FieldwattError("UPDATE_REFUSED", `node ${number} must not start anew now: ${because}`);
  return { entry, line };
}

function noKey(): never {
  const what = "the site file names no key of the co-op: write nodes: { releaseKey: co-op.pub.pem }";
  throw new FieldwattError("UPDATE_REFUSED", what);
}

function never(): never {
  throw new RangeError("a job ended that never began");
}
