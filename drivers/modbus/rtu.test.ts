import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FieldwattError } from "../../domain/model/index.ts";
import { framed, lineTo, read, reply, type Wire } from "../../test/support/rtu-wire.ts";

const wordsArbitrary = fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 125 });
const SEED = 20260615;

async function sendInChunks(wire: Wire, bytes: readonly number[], cuts: readonly number[]): Promise<void> {
  const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
  for (const [index, place] of [0, ...places].entries()) {
    wire.send(bytes.slice(place, places[index] ?? bytes.length));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the RTU framer", () => {
  it("gives the registers of a valid reply, however it is cut into chunks", async () => {
    const property = fc.asyncProperty(
      wordsArbitrary,
      fc.array(fc.nat(254), { maxLength: 6 }),
      async (words, cuts) => {
        const line = lineTo((_request, wire) => void sendInChunks(wire, reply(7, words), cuts), 1000);
        expect(await line.exchange(read(7, 0, words.length))).toEqual({ kind: "words", words });
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 60 });
  });

  it("says DEVICE_GARBLED when any one byte is damaged", async () => {
    const property = fc.asyncProperty(
      wordsArbitrary,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (words, place, flip) => {
        const bytes = reply(7, words);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const line = lineTo((_request, wire) => wire.send(bytes));
        await expect(line.exchange(read(7, 0, words.length))).rejects.toMatchObject({
          code: "DEVICE_GARBLED",
        });
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 20 });
  });

  it.each([
    ["another unit", reply(8, [1, 2])],
    ["another function", reply(7, [1, 2], 4)],
    ["another number of registers", reply(7, [1, 2, 3])],
    ["a reply that is cut off", reply(7, [1, 2]).slice(0, -3)],
  ])("does not take %s for the reply", async (_what, bytes) => {
    const line = lineTo((_request, wire) => wire.send(bytes));
    await expect(line.exchange(read(7, 0, 2))).rejects.toMatchObject({ code: "DEVICE_GARBLED" });
  });

  it("finds the reply behind noise, an echo of the request and another unit's late reply", async () => {
    const line = lineTo((request, wire) =>
      wire.send([0x00, 0xff, ...request, ...reply(9, [5, 5]), ...reply(7, [1, 2])]),
    );
    expect(await line.exchange(read(7, 0, 2))).toEqual({ kind: "words", words: [1, 2] });
  });

  it("gives a Modbus exception as an answer", async () => {
    const line = lineTo((_request, wire) => wire.send(framed([7, 0x83, 2])));
    expect(await line.exchange(read(7, 0, 2))).toEqual({ kind: "exception", code: 2 });
  });

  it("says DEVICE_TIMEOUT for a silent unit, and BUS_CLOSED when the adapter is pulled", async () => {
    await expect(lineTo(() => undefined).exchange(read(7, 0, 2))).rejects.toMatchObject({
      code: "DEVICE_TIMEOUT",
    });
    const pulled = lineTo((_request, wire) => wire.end(), 1000);
    await expect(pulled.exchange(read(7, 0, 2))).rejects.toMatchObject({ code: "BUS_CLOSED" });
    expect(pulled.usable()).toBe(false);
  });
});

/** Answers every request in order with value = address (the measured case modbus-rtu-late-reply), each after its delay. */
function slowDevice(delays: readonly number[]) {
  let free = Promise.resolve();
  let answered = 0;
  return (request: Uint8Array, wire: Wire): void => {
    const [unit = 0, , high = 0, low = 0, , count = 0] = request;
    const delay = delays[answered++] ?? 0;
    free = free.then(() => new Promise((resolve) => setTimeout(resolve, delay)));
    void free.then(() =>
      wire.send(
        reply(
          unit,
          Array.from({ length: count }, (_, index) => (high << 8) + low + index),
        ),
      ),
    );
  };
}

describe("a reply that comes too late", () => {
  it.each([
    ["within the wait that follows", [150]],
    ["while the fence waits for its own", [275]],
    ["after the fence gave up too", [425]],
    ["again and again", [150, 150, 150, 150, 150]],
  ])("is never taken for the reply to another request: %s", async (_when, delays) => {
    const line = lineTo(slowDevice(delays));
    const results = [];
    for (const at of [100, 200, 300, 400, 500, 600]) {
      const answer = await line.exchange(read(1, at, 2)).catch((error: unknown) => error);
      if (!(answer instanceof FieldwattError)) expect(answer).toEqual({ kind: "words", words: [at, at + 1] });
      results.push(answer instanceof FieldwattError ? answer.code : "own values");
    }
    expect(results[0]).toBe("DEVICE_TIMEOUT");
    expect(results.at(-1)).toBe("own values");
  });

  it("does no harm to another unit", async () => {
    const line = lineTo((request, wire) => {
      if (request[0] === 1) setTimeout(() => wire.send(reply(1, [9, 9])), 170);
      else setTimeout(() => wire.send(reply(2, [4, 5])), 30);
    });
    await expect(line.exchange(read(1, 0, 2))).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    expect(await line.exchange(read(2, 0, 2))).toEqual({ kind: "words", words: [4, 5] });
    expect(await line.exchange(read(2, 0, 2))).toEqual({ kind: "words", words: [4, 5] });
  });
});
