import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { idleThread } from "./idle-thread.ts";

const WAITS = `require("node:worker_threads").parentPort.on("message", (said) => {
  require("node:worker_threads").parentPort.postMessage("heard " + said);
});`;
const thread = (code: string): Worker => new Worker(code, { eval: true });

describe("a thread that is started before its work is known", () => {
  it("is taken once, and hears what it is told then", async () => {
    await using idle = idleThread(() => thread(WAITS));
    const worker = idle.take();
    expect(worker).toBeDefined();
    expect(idle.take()).toBeUndefined();
    worker?.postMessage("work");
    expect(await once(worker as Worker, "message")).toEqual(["heard work"]);
    await worker?.terminate();
  });

  it("that failed to load is nobody's to take", async () => {
    const failing = thread("throw new Error('a fault')");
    await using idle = idleThread(() => failing);
    await new Promise((resolve) => failing.once("exit", resolve));
    expect(idle.take()).toBeUndefined();
  });

  it("ends with the program's start where nobody took it", async () => {
    const waiting = thread(WAITS);
    const ended = once(waiting, "exit");
    {
      await using _idle = idleThread(() => waiting);
    }
    await expect(ended).resolves.toBeDefined();
  });
});
