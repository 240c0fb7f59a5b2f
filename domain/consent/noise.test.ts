import { turboshake128 } from "@noble/hashes/sha3-addons.js";
import { describe, expect, it } from "vitest";
import vectors from "../../test/captures/noise.json" with { type: "json" };
import { rational, rationalFromText } from "../model/index.ts";
import { discreteGaussian, discreteLaplace, type ByteSource } from "./noise.ts";

/** XofTurboShake128 (draft-irtf-cfrg-vdaf) with an empty domain separation tag and binder, by a library. */
function xof(seed: Uint8Array): ByteSource {
  const stream = turboshake128.create({ D: 1 });
  stream.update(Uint8Array.of(0, 0)).update(Uint8Array.of(seed.length)).update(seed);
  return (count) => stream.xof(count);
}

/** A stream of bytes that is the same in every run: xorshift32, Marsaglia 2003. */
function seeded(seed: number): ByteSource {
  let state = seed;
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    });
}

describe("the discrete Gaussian", () => {
  it.each(vectors.discrete_gaussian)(
    "gives the published samples for sigma $sigma",
    ({ sigma, seed, samples }) => {
      const bytes = xof(Buffer.from(seed, "hex"));
      const [numerator = 0, denominator = 1] = sigma;
      const drawn = samples.map(() =>
        Number(discreteGaussian(rational(BigInt(numerator), BigInt(denominator)), bytes)),
      );
      expect(drawn).toEqual(samples);
    },
  );
});

describe("the discrete Laplace", () => {
  it("has the probabilities of its definition", () => {
    // P(x) = (e^{1/s} − 1)/(e^{1/s} + 1) · e^{−|x|/s} (Ghosh, Roughgarden, Sundararajan 2009), here s = 7/2.
    const [draws, s] = [20_000, 3.5];
    const bytes = seeded(20260615);
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const x = Number(discreteLaplace(rationalFromText("7/2"), bytes));
      counts.set(x, (counts.get(x) ?? 0) + 1);
    }
    const e = Math.exp(1 / s);
    for (const x of [-4, -2, -1, 0, 1, 2, 4]) {
      const p = ((e - 1) / (e + 1)) * Math.exp(-Math.abs(x) / s);
      // Five standard deviations of a binomial count; the stream is fixed, so this never flickers.
      expect(Math.abs((counts.get(x) ?? 0) - draws * p)).toBeLessThan(5 * Math.sqrt(draws * p * (1 - p)));
    }
  });
});

it.each(["", "-1", "1/0", "0.5", "1/2/3", "x"])("refuses %j as a rational", (text) => {
  expect(() => rationalFromText(text)).toThrow(RangeError);
});
