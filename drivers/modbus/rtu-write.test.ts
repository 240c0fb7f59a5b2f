import { setTimeout as wait } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FieldwattError } from "../../domain/model/index.ts";
import { framed, lineTo, read, reply, type Wire } from "../../test/support/rtu-wire.ts";

/** Modbus Application Protocol 1.1b3, 6.5: the example switches coil 173 (address 00AC) on, and is answered by itself. */
const ON_AC = [0x05, 0x00, 0xac, 0xff, 0x00];
const SEED = 20_260_615;
const coil = { unit: 7, at: 0xac, on: true };
const echo = (request: Uint8Array, wire: Wire): void => wire.send([...request]);

describe("switching a coil on a serial line", () => {
  it("sends the standard's bytes, and is done when the device repeats them", async () => {
    const requests: Uint8Array[] = [];
    const line = lineTo((request, wire) => {
      requests.push(request);
      echo(request, wire);
    });
    expect(await line.write(coil)).toEqual({ kind: "done" });
    expect(await line.write({ ...coil, on: false })).toEqual({ kind: "done" });
    expect(requests.map((bytes) => [...bytes])).toEqual([
      framed([7, ...ON_AC]),
      framed([7, 0x05, 0x00, 0xac, 0x00, 0x00]),
    ]);
  });

  it("tells the device's exception", async () => {
    const line = lineTo((_request, wire) => wire.send(framed([7, 0x85, 2])));
    expect(await line.write(coil)).toEqual({ kind: "exception", code: 2 });
  });

  it.each([
    ["another coil", [7, 0x05, 0x00, 0xad, 0xff, 0x00]],
    ["another state", [7, 0x05, 0x00, 0xac, 0x00, 0x00]],
    ["another unit", [8, ...ON_AC]],
    ["an exception of another function", [7, 0x83, 2]],
  ])("takes no answer that is about %s", async (_what, bytes) => {
    const line = lineTo((_request, wire) => wire.send(framed(bytes)));
    await expect(line.write(coil)).rejects.toMatchObject({ code: "DEVICE_GARBLED" });
  });

  it("takes no answer of which any one byte is damaged", async () => {
    const property = fc.asyncProperty(fc.nat(7), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      const bytes = framed([7, ...ON_AC]).map((byte, at) => (at === place ? byte ^ flip : byte));
      const line = lineTo((_request, wire) => wire.send(bytes));
      await expect(line.write(coil)).rejects.toBeInstanceOf(FieldwattError);
    });
    await fc.assert(property, { seed: SEED, numRuns: 30 });
  });

  it("finds its answer behind another unit's late registers, and leaves a late answer beside a later read", async () => {
    let first = true;
    const line = lineTo((request, wire) => {
      if (request[1] === 5 && first) return void (first = false);
      if (request[1] === 5) return wire.send([...reply(3, [1, 2]), ...request]);
      // The answer to the write that nobody waits for any more, and then the registers.
      wire.send(framed([7, ...ON_AC]));
      setTimeout(() => wire.send(reply(7, [4, 5])), 5);
    });
    await expect(line.write(coil)).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    expect(await line.exchange(read(7, 0, 2))).toEqual({ kind: "words", words: [4, 5] });
    expect(await line.write(coil)).toEqual({ kind: "done" });
  });

  it("does not take the late answer to an earlier write for its own", async () => {
    const writes: boolean[] = [];
    let state: boolean | undefined;
    const line = lineTo((request, wire) => {
      writes.push(request[4] === 0xff);
      // "On" and "off" wait in the relay; the second "on" is lost, and the answer to the first comes in its place.
      if (writes.length === 3) {
        wire.send([...request]);
        state = false;
      }
      if (writes.length < 4) return;
      state = request[4] === 0xff;
      wire.send([...request]);
    });
    for (const on of [true, false])
      await expect(line.write({ ...coil, on })).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    expect(await line.write(coil)).toEqual({ kind: "done" });
    expect([writes, state]).toEqual([[true, false, true, true], true]);
    // Now nothing is owed: once is enough.
    await line.write({ ...coil, on: false });
    expect([writes.length, state]).toEqual([5, false]);
  });

  it("is done only when the relay went there, however late and lossy the line is", async () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const turn = fc.record({ on: fc.boolean(), delay: fc.nat(600), lost: share, mute: share });
    const property = fc.asyncProperty(fc.array(turn, { minLength: 3, maxLength: 8 }), async (turns) => {
      const relay = lateRelay(turns);
      const line = lineTo(relay.hear, 100);
      for (const { on } of turns) {
        const answer = await line.write({ ...coil, on }).catch((error: unknown) => error);
        if (answer instanceof FieldwattError) continue;
        await relay.idle();
        expect(relay.is()).toBe(on);
      }
    });
    // Forty lines beside each other: each waits for its own silences.
    const samples = fc.sample(fc.array(turn, { minLength: 3, maxLength: 8 }), { seed: SEED, numRuns: 40 });
    await Promise.all(
      samples.map((turns) => fc.assert(property, { examples: [[turns]], numRuns: 1, seed: SEED })),
    );
  }, 60_000);
});

interface RelayTurn {
  readonly delay: number;
  readonly lost: number;
  readonly mute: number;
}

/** Takes requests in order, each after its time; one in five never arrives, and one in five is not answered. */
function lateRelay(turns: readonly RelayTurn[]) {
  let state: boolean | undefined;
  let heard = 0;
  let queue: Promise<unknown> = Promise.resolve();
  return {
    is: () => state,
    idle: async () => void (await queue),
    hear(request: Uint8Array, wire: Wire): void {
      const { delay = 0, lost = 1, mute = 1 } = turns[heard++ % turns.length] ?? {};
      if (lost < 0.2) return;
      queue = queue.then(async () => {
        await wait(delay);
        state = request[4] === 0xff;
        if (mute >= 0.2) wire.send([...request]);
      });
    },
  };
}
