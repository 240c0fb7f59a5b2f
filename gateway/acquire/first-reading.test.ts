import { expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading } from "../../domain/model/index.ts";
import { firstReading } from "./first-reading.ts";

const reading: Reading = {
  stream: streamId(deviceId("meter"), "voltage"),
  time: instant(0),
  value: 230,
  quality: "ok",
};
const never = new AbortController().signal;
/** Longer than any test may take. */
const FOR_EVER_MS = 1_000_000;

it("hands each reading on, and lets go who waits for the first", async () => {
  const heard: number[] = [];
  const first = firstReading((readings) => heard.push(readings.length));
  const waited = first.orAfter(FOR_EVER_MS, never);
  first.onKept([reading]);
  await waited;
  first.onKept([reading, reading]);
  expect(heard).toEqual([1, 2]);
});

it.each([
  ["a time without a reading", 1, never],
  ["the end of the program", FOR_EVER_MS, AbortSignal.abort()],
])("lets go after %s", async (_, ms, signal) => {
  await expect(firstReading(() => undefined).orAfter(ms, signal)).resolves.toBeUndefined();
});

it("lets acknowledgements of the first reading leave before", async () => {
  const order: string[] = [];
  const first = firstReading(() => undefined);
  const waited = first.orAfter(FOR_EVER_MS, never).then(() => order.push("pages"));
  first.onKept([reading]);
  // As the broker does: what one turn decided leaves in the next.
  await Promise.resolve();
  setImmediate(() => order.push("acknowledged"));
  await waited;
  expect(order).toEqual(["acknowledged", "pages"]);
});
