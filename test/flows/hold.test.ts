import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRequire } from "node:module";
import { join } from "node:path";

/** What a `command` node says again, and when it stops: each call to the gateway is answered by hand here. */
interface Hold {
  set(state: string, keep: boolean): Promise<{ renewWithinMs: number }>;
  stop(): void;
}
interface Watch {
  onLost(state: string, error: Error): void;
  onTrouble(error: Error): void;
}
type OpenHold = (command: (state: string) => Promise<{ renewWithinMs: number }>, watch: Watch) => Hold;

const { openHold } = createRequire(import.meta.url)(
  join(import.meta.dirname, "..", "..", "flows", "lib", "hold.js"),
) as { openHold: OpenHold };

const RENEW_MS = 3_000;
const told = { renewWithinMs: RENEW_MS };

describe("what a flow holds", () => {
  let said: { state: string; answer: PromiseWithResolvers<{ renewWithinMs: number }> }[];
  let heard: string[];
  let hold: Hold;
  /** The newest call is answered, and whatever follows from that has happened. */
  const answer = async (error?: Error): Promise<void> => {
    const call = said.at(-1)?.answer;
    if (error) call?.reject(error);
    else call?.resolve(told);
    await vi.advanceTimersByTimeAsync(0);
  };
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const states = () => said.map(({ state }) => state);

  beforeEach(() => {
    vi.useFakeTimers();
    [said, heard] = [[], []];
    const command = (state: string) => {
      const answer = Promise.withResolvers<{ renewWithinMs: number }>();
      said.push({ state, answer });
      return answer.promise;
    };
    hold = openHold(command, {
      onLost: (state) => heard.push(`lost ${state}`),
      onTrouble: (error) => heard.push(error.message),
    });
  });
  afterEach(() => void vi.useRealTimers());

  const held = async (): Promise<void> => {
    const set = hold.set("on", true);
    await pass(0);
    await answer();
    await set;
  };

  it("is said again at a third of the watchdog's time, over an outage too", async () => {
    await held();
    await pass(RENEW_MS / 3);
    await answer(new Error("the network is away"));
    await pass(RENEW_MS / 3);
    await answer();
    expect([states(), heard]).toEqual([["on", "on", "on"], ["the network is away"]]);
  });

  it("is not said again after the flow is gone, although a call was on the way when it went", async () => {
    await held();
    await pass(RENEW_MS / 3);
    hold.stop();
    await answer();
    await pass(10 * RENEW_MS);
    expect(states()).toEqual(["on", "on"]);
  });

  it("is not held at all where the flow goes before the first answer", async () => {
    const set = hold.set("on", true);
    await pass(0);
    hold.stop();
    await answer();
    await set;
    await pass(10 * RENEW_MS);
    expect(states()).toEqual(["on"]);
  });

  it("off goes out after the call that is on the way, and nothing says on again", async () => {
    await held();
    await pass(RENEW_MS / 3);
    const off = hold.set("off", false);
    await pass(0);
    expect(states(), "one call after the other").toEqual(["on", "on"]);
    await answer();
    await answer();
    await off;
    await pass(10 * RENEW_MS);
    expect(states()).toEqual(["on", "on", "off"]);
  });

  it("who wanted something else since does not hear that the old one was lost", async () => {
    await held();
    await pass(RENEW_MS / 3);
    const off = hold.set("off", true);
    await answer(Object.assign(new Error("interlock"), { status: 409 }));
    await answer();
    await off;
    expect([states(), heard]).toEqual([["on", "on", "off"], []]);
  });

  it("ends where the gateway says no", async () => {
    await held();
    await pass(RENEW_MS / 3);
    await answer(Object.assign(new Error("interlock"), { status: 409 }));
    await pass(10 * RENEW_MS);
    expect([states(), heard]).toEqual([["on", "on"], ["lost on"]]);
  });
});
