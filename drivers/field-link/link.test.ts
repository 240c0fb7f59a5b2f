import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crcXmodem, sipHash } from "./check.ts";
import { cobsDecode, cobsEncode } from "./cobs.ts";
import { encodeCbor } from "./cbor-write.ts";
import { decodeFrame, encodeFrame, FRAME_MAX, NO_CONTEXT, TYPES } from "./frame.ts";
import { backlogOf, greetingOf, isDone, keptOf, tickOf } from "./messages.ts";
import { openSplitter } from "./splitter.ts";

interface Row {
  readonly says: string;
  readonly request: string;
  readonly answer: string;
  readonly key: string;
  readonly context: string;
  readonly type: number;
  readonly sequence: number;
  readonly node: number;
}
const vectors = JSON.parse(
  readFileSync(new URL("../../firmware-bridge/vectors.json", import.meta.url), "utf8"),
);
const conversation: Row[] = vectors.conversation.filter((row: object) => "request" in row);
const damaged: [string, string][] = Object.entries(vectors.damaged);
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const answered = conversation.filter(({ answer }) => answer !== "");
const SEED = 20260615;

describe("the pieces, by vectors of others", () => {
  it.each(vectors.cobs.pairs as [string, string][])("stuffs %s as %s", (plain, stuffed) => {
    expect(hexOf(cobsEncode(bytesOf(plain)))).toBe(stuffed);
    expect(hexOf(cobsDecode(bytesOf(stuffed)) ?? Uint8Array.of(0))).toBe(plain);
  });

  it.each(vectors.cobs.invalid as string[])("finds that %s is no COBS", (stuffed) => {
    expect(cobsDecode(bytesOf(stuffed))).toBeUndefined();
  });

  it("has the CRC of the catalogue and the MAC of the paper", () => {
    expect(crcXmodem(bytesOf(vectors.crc.of)).toString(16)).toBe(vectors.crc.is);
    expect(hexOf(sipHash(bytesOf(vectors.mac.key), bytesOf(vectors.mac.of)))).toBe(vectors.mac.is);
  });
});

describe("the frames of the vectors", () => {
  it.each(conversation.map((row) => [row.says, row] as const))("are read whole: %s", (_says, row) => {
    for (const [hex, fromGateway] of [
      [row.request, true],
      [row.answer, false],
    ] as const) {
      if (hex === "") continue;
      const frame = decodeFrame(bytesOf(hex).subarray(0, -1));
      expect(frame).toMatchObject({ fromGateway, sequence: row.sequence, node: row.node });
      const isHello = frame?.type === "HELLO" && fromGateway;
      const context = isHello ? NO_CONTEXT : bytesOf(row.context);
      const signature = { key: bytesOf(row.key), context };
      expect(frame?.isSignedBy(signature)).toBe(true);
      expect(frame && hexOf(encodeFrame(frame, signature))).toBe(hex);
      const flipped = bytesOf(row.key);
      flipped[3] = (flipped[3] ?? 0) ^ 0x10;
      expect(frame?.isSignedBy({ ...signature, key: flipped })).toBe(false);
    }
  });

  it("say what the node said", () => {
    const frames = answered.map(({ says, answer }) => {
      const frame = decodeFrame(bytesOf(answer).subarray(0, -1));
      if (!frame) throw new Error(says);
      return [says, frame] as const;
    });
    const said = new Map(frames);
    const of = (says: string) => {
      const frame = said.get(says);
      if (!frame) throw new Error(`no vector says ${says}`);
      return frame;
    };
    const about = { hardware: "desk", firmware: "1.0.0", capabilities: 7, interval: 60 };
    expect(greetingOf(of("with its own it greets again"))).toEqual({ boot: 1, hellos: 2, ...about });
    expect(tickOf(of("its clock"))).toBe(1234);
    expect(backlogOf(of("three wait"))).toEqual({ oldest: 1, newest: 3, missed: 0 });
    expect(keptOf(of("the first"))).toMatchObject({ sequence: 1, boot: 1, tick: 1234 });
    expect(keptOf(of("an event")).event).toEqual({ kind: "started", detail: 4 });
    expect([isDone(of("its interval")), isDone(of("it has no relay"))]).toEqual([true, false]);
  });

  it.each(damaged)("are refused when they are damaged: %s", (_what, hex) => {
    // Two frames run together still have a CRC of zero, as XMODEM's starts at zero: the MAC tells them.
    const { key = "", context = "" } = conversation.findLast(({ answer }) => answer !== "") ?? {};
    const signature = { key: bytesOf(key), context: bytesOf(context) };
    const signed = openSplitter()
      .push(bytesOf(hex))
      .filter((frame) => frame.isSignedBy(signature));
    expect(signed).toEqual([]);
  });
});

describe("whatever comes over the line", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });

  it("a frame comes out as it went in, also behind noise and in pieces of any size", () => {
    const frame = fc.record({
      type: fc.constantFrom(...(Object.keys(TYPES) as (keyof typeof TYPES)[])),
      fromGateway: fc.boolean(),
      sequence: fc.nat(2 ** 31 - 1),
      node: fc.nat(2 ** 31 - 1),
      body: fc.uint8Array({ maxLength: 106 }),
    });
    const comesOut = fc.property(frame, bytes, fc.integer({ min: 1, max: 50 }), (sent, noise, size) => {
      const signature = { key: new Uint8Array(16).fill(7), context: NO_CONTEXT };
      const wire = encodeFrame(sent, signature);
      expect(wire.length).toBeLessThanOrEqual(FRAME_MAX);
      const stream = Buffer.concat([noise, Buffer.of(0), wire]);
      const splitter = openSplitter();
      const found = [];
      for (let at = 0; at < stream.length; at += size)
        found.push(...splitter.push(stream.subarray(at, at + size)));
      expect(found.at(-1)).toMatchObject(sent);
      expect(found.at(-1)?.isSignedBy(signature)).toBe(true);
    });
    fc.assert(comesOut, { numRuns: 3_000, seed: SEED });
  });

  it("noise gives no frame that is signed, and throws nothing", () => {
    const silent = fc.property(bytes, (noise) => {
      for (const frame of openSplitter().push(Buffer.concat([noise, Buffer.of(0)]))) {
        expect(frame.isSignedBy({ key: new Uint8Array(16).fill(9), context: NO_CONTEXT })).toBe(false);
        greetingOf(frame);
      }
    });
    fc.assert(silent, { numRuns: 20_000, seed: SEED });
  });

  it("COBS gives every message back without a zero on the wire", () => {
    const back = fc.property(fc.uint8Array({ maxLength: 600 }), (message) => {
      const stuffed = cobsEncode(message);
      expect(stuffed.includes(0)).toBe(false);
      expect(cobsDecode(stuffed)).toEqual(message);
    });
    fc.assert(back, { numRuns: 3_000, seed: SEED });
  });
});

it.each([
  [0, "00"],
  [23, "17"],
  [24, "1818"],
  [255, "18ff"],
  [256, "190100"],
  [65_536, "1a00010000"],
  [4_294_967_295, "1affffffff"],
])("writes the number %d as CBOR %s (RFC 8949, 3.1)", (number, hex) => {
  expect(hexOf(encodeCbor(number))).toBe(hex);
});
