import type { Worker } from "node:worker_threads";

/**
 * A thread that was started before its work is known: it loads its code while the program still reads its settings,
 * and waits. Whoever takes it tells it its work and ends it; one that nobody takes ends with this.
 */
export interface IdleThread extends AsyncDisposable {
  /** The thread, once; undefined when it was taken before, or failed to load. */
  take(): Worker | undefined;
}

export function idleThread(begin: () => Worker): IdleThread {
  let worker: Worker | undefined = begin();
  const gone = (): void => void (worker = undefined);
  worker.once("error", gone).once("exit", gone);
  return {
    take() {
      const taken = worker;
      taken?.off("error", gone).off("exit", gone);
      worker = undefined;
      return taken;
    },
    async [Symbol.asyncDispose]() {
      await worker?.terminate();
    },
  };
}
