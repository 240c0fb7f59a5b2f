import { expect, it } from "vitest";
import { FieldwattError, instant, type ErrorCode } from "../domain/model/index.ts";
import { ManualClock } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { open } from "../protocol/envelope.ts";
import { generateKeyPair } from "../protocol/keys.ts";
import type { ReceiptBody } from "../protocol/messages.ts";
import { HUB, MIDNIGHT } from "../test/support/hub.ts";
import { openExchange, WAITING_MAX } from "./exchange.ts";
import type { Intake } from "./intake/intake.ts";
import type { Storage } from "./storage/index.ts";

const keys = generateKeyPair();
/** A storage in which nothing is ever due. */
const nothing: Storage = {
  query: () => Promise.resolve([]),
  transaction: (work) => work({ query: () => Promise.resolve([]) }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
const received = (sequence: number) => {
  const receipt: ReceiptBody = { kind: "receipt", received: [], gaps: [[sequence, sequence]] };
  return { receipt, answersThrough: 0, fresh: 0 };
};

/** An exchange around an intake of the test's; `sent` holds the number in each receipt that left. */
function exchangeWith(receive: Intake["receive"]) {
  const sent: number[] = [];
  const exchange = openExchange({
    hub: HUB,
    keys,
    storage: nothing,
    intake: { receive },
    tariff: { currency: "KES", retail: 2, feedIn: 1 },
    stewardship: { backupDays: 30, settlementDays: 3650 },
    clock: new ManualClock(instant(MIDNIGHT)),
    log: openLog("hub", { write: () => undefined }),
    publish: (_topic, bytes) => {
      const { body } = open(bytes, { from: HUB, to: "north", key: keys.publicKey });
      if (body.kind === "receipt") sent.push(Number(body.gaps[0]?.[0]));
      return Promise.resolve();
    },
    connected: () => [],
  });
  return { exchange, sent };
}

it("takes the messages of one gateway in order, and answers each, also those that were under way at the end", async () => {
  const begun: number[] = [];
  const { exchange, sent } = exchangeWith(async (_gateway, [number = 0]) => {
    begun.push(number);
    await new Promise((resolve) => setTimeout(resolve, number === 1 ? 20 : 0));
    return received(number);
  });
  const taken = [1, 2, 3].map((number) => exchange.take("north", Uint8Array.of(number)));
  await exchange[Symbol.asyncDispose]();
  await Promise.all(taken);
  expect(begun).toEqual([1, 2, 3]);
  expect(sent).toEqual([1, 2, 3]);
});

it("lets so many messages of one gateway wait, and has the rest sent again; another gateway does not notice", async () => {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof received>>();
  const { exchange } = exchangeWith((gateway) =>
    gateway === "north" ? promise : Promise.resolve(received(0)),
  );
  const waiting = Array.from({ length: WAITING_MAX }, () => exchange.take("north", Uint8Array.of()));
  await expect(exchange.take("north", Uint8Array.of())).rejects.toMatchObject({ code: "HUB_BUSY" });
  // The answer to the other gateway is addressed to it, which this test's reader of receipts refuses: only taking counts.
  await exchange.take("south", Uint8Array.of());
  resolve(received(0));
  await Promise.all(waiting);
  await exchange.take("north", Uint8Array.of());
  await exchange[Symbol.asyncDispose]();
});

it("takes nothing more once it ends", async () => {
  const { exchange } = exchangeWith(() => Promise.resolve(received(0)));
  await exchange[Symbol.asyncDispose]();
  await expect(exchange.take("north", Uint8Array.of())).rejects.toMatchObject({ code: "HUB_BUSY" });
});

it.each([
  { code: "STORAGE_FAILED", again: true },
  { code: "SIGNATURE_INVALID", again: false },
  { code: "MESSAGE_INVALID", again: false },
  { code: "MESSAGE_TOO_LARGE", again: false },
] satisfies { code: ErrorCode; again: boolean }[])(
  "after $code has a message sent again: $again; no receipt leaves, and the next message is taken",
  async ({ code, again }) => {
    const { exchange, sent } = exchangeWith((_gateway, [number = 0]) =>
      number === 1 ? Promise.reject(new FieldwattError(code, "no")) : Promise.resolve(received(number)),
    );
    const outcome = await exchange.take("north", Uint8Array.of(1)).then(
      () => "taken",
      () => "again",
    );
    expect(outcome).toBe(again ? "again" : "taken");
    await exchange.take("north", Uint8Array.of(2));
    await exchange[Symbol.asyncDispose]();
    expect(sent).toEqual([2]);
  },
);
