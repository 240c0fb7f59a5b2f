import type { IdleThread } from "../platform/idle-thread.ts";
import { idleBroker } from "../platform/broker/worker.ts";
import { freeThreadLimits } from "../platform/settled.ts";
import { idleWriter } from "./record/thread.ts";

/**
 * The gateway's threads, started first of all: they load beside the program, which has its own modules to load and a
 * site file to read before it can tell them their work.
 */
export interface GatewayThreads extends AsyncDisposable {
  readonly record: IdleThread;
  readonly broker: IdleThread;
}

export function startThreads(): GatewayThreads {
  freeThreadLimits();
  const [record, broker] = [idleWriter(), idleBroker()];
  return {
    record,
    broker,
    async [Symbol.asyncDispose]() {
      await Promise.all([record[Symbol.asyncDispose](), broker[Symbol.asyncDispose]()]);
    },
  };
}
