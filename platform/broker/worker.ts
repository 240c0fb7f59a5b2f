import { Worker } from "node:worker_threads";
import { FieldwattError } from "../../domain/model/errors.ts";
import { idleThread, type IdleThread } from "../idle-thread.ts";
import type { Order, Report, ThreadOptions } from "./messages.ts";

/**
 * The thread's share of memory, MB. Two thousand connections take about 150; a thread that needs more than this ends
 * alone and is started again. Packets lie outside of it and are bounded by the guard.
 */
const HEAP_MB = 256;
const YOUNG_MB = 6;
/** How long closing may take before the thread is ended, ms. */
const CLOSE_MS = 3_000;

/** The broker's thread as the program sees it. */
export interface BrokerThread {
  readonly port: number;
  send(order: Order): void;
  /** Resolves with the reason when the thread has ended, by itself or not. */
  readonly ended: Promise<string>;
  /** Ends the thread at once, as a crash would. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** The thread's module, with the extension of this file: `.ts` where Node runs the sources, `.js` in a build. */
const entry = new URL(`./thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

const begin = (): Worker =>
  new Worker(entry, {
    name: "broker",
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB },
  });

/** A broker's thread that loads while it is not yet known where it listens. */
export const idleBroker = (): IdleThread => idleThread(begin);

/** Resolves when the thread, a new one or one that is idle, listens. Rejects with PORT_BUSY or BROKER_FAILED. */
export async function startThread(
  options: ThreadOptions,
  onReport: (report: Report, thread: Pick<BrokerThread, "send">) => void,
  idle?: IdleThread,
): Promise<BrokerThread> {
  const worker = idle?.take() ?? begin();
  let fault = "it ended";
  worker.on("error", (error) => (fault = error instanceof Error ? error.message : String(error)));
  const ended = new Promise<string>((resolve) => worker.once("exit", () => resolve(fault)));
  const send = (order: Order): void => worker.postMessage(order);
  send({ kind: "open", options });
  const port = await new Promise<number>((resolve, reject) => {
    worker.on("message", (report: Report) => {
      if (report.kind === "listening") resolve(report.port);
      else if (report.kind === "failed") reject(new FieldwattError(report.code, report.message));
      else onReport(report, { send });
    });
    void ended.then((why) => reject(new FieldwattError("BROKER_FAILED", `The broker did not start: ${why}`)));
  });
  return {
    port,
    send,
    ended,
    async kill() {
      await worker.terminate();
    },
    async close() {
      send({ kind: "close" });
      const late = setTimeout(() => void worker.terminate(), CLOSE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
