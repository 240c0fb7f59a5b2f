import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseDeviceFile } from "../device-file.ts";
import { bytesFromHex } from "../hex.ts";
import { decodeLorawan } from "./decode.ts";

/** Payloads of the maker's own examples, cut, with a bit turned over, or nothing but chance. */
const CASES = [
  ["plain", "dragino/lse01", "CE2900F107A5099B6E2890"],
  ["milesight", "milesight/em500-smtc", "01756403671901046873057FF00020CE9E744663F00019011626"],
  ["sensecap", "sensecap/s210x", "01011098530000010210A87A0000AF51"],
  [
    "decentlab",
    "decentlab/dl-atm41",
    "02035a0003800a8000800080008009812b8014810880b4a57c820c810980027fe88056800880040bf5",
  ],
] as const;

const definitionOf = (name: string) => {
  const file = new URL(`../devices/${name}.yaml`, import.meta.url).pathname;
  return parseDeviceFile(file, readFileSync(file, "utf8"));
};

const damaged = (whole: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 48 }),
    fc.nat(whole.length * 8 - 1).map((bit) => {
      const copy = whole.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy;
    }),
    fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
  );

describe.each(CASES)("the codec %s", (codec, name, hex) => {
  const definition = definitionOf(name);
  const whole = bytesFromHex(hex);

  it("never throws, and gives finite numbers or a problem, whatever the bytes", () => {
    fc.assert(
      fc.property(damaged(whole), (bytes) => {
        const { samples } = decodeLorawan(definition, { bytes });
        return samples.length <= bytes.length && samples.every(({ value }) => Number.isFinite(value));
      }),
      { numRuns: 100_000, seed: 20_260_615 },
    );
  }, 120_000);

  it("tells of every payload that is cut, as far as its form can show it", () => {
    const silent = Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length)).filter(
      (bytes) => decodeLorawan(definition, { bytes }).problems.length === 0,
    );
    // Milesight's entries have no total: a payload cut between two of them is a shorter, whole one.
    // Dragino's first hardware left the last byte out.
    const lengths = { plain: [10], milesight: [3, 7, 10, 14], sensecap: [], decentlab: [] }[codec];
    expect(silent.map((bytes) => bytes.length)).toEqual(lengths);
  });
});

it("gives nothing of a SenseCAP payload with any bit turned over: its checksum sees it", () => {
  const definition = definitionOf("sensecap/s210x");
  const whole = bytesFromHex("01011098530000010210A87A0000AF51");
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const copy = whole.slice();
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const { samples, problems } = decodeLorawan(definition, { bytes: copy });
    expect({ bit, samples, codes: problems.map(({ code }) => code) }).toEqual({
      bit,
      samples: [],
      codes: ["checksum"],
    });
  }
});
