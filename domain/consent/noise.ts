import { rational, type Rational } from "../model/index.ts";

/**
 * Exact noise for published statistics: the discrete Laplace and the discrete Gaussian by rejection sampling over
 * rationals, after Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (arXiv 2004.00010):
 * Algorithm 1 (Bernoulli(exp(−γ))), Algorithm 2 (Laplace) and Algorithm 3 (Gaussian). No float comes near it: the
 * low bits of a float betray what noise was added to.
 *
 * Randomness is handed in as bytes. How bytes become numbers is that of libprio-rs (through num-bigint), so that its
 * published vectors can be replayed: a number below `bound` takes ⌈bits/32⌉ little-endian 32-bit words, the last one
 * shifted right to the bits that are needed, and is drawn again while it is too large.
 */

/** Gives exactly `count` fresh random bytes, or throws when there are no more. */
export type ByteSource = (count: number) => Uint8Array;

/** Uniform on {0, …, bound − 1}. */
function below(bound: bigint, bytes: ByteSource): bigint {
  const bits = bound.toString(2).length;
  const words = Math.ceil(bits / 32);
  const surplus = BigInt(words * 32 - bits);
  for (;;) {
    const view = new DataView(Uint8Array.from(bytes(words * 4)).buffer);
    let drawn = 0n;
    for (let i = words - 1; i >= 0; i--) {
      const word = BigInt(view.getUint32(i * 4, true));
      drawn = i === words - 1 ? word >> surplus : (drawn << 32n) | word;
    }
    if (drawn < bound) return drawn;
  }
}

const bernoulli = ({ numerator, denominator }: Rational, bytes: ByteSource): boolean =>
  below(denominator, bytes) < numerator;

/** Bernoulli(exp(−γ)) for γ from 0 to 1: the first part of Algorithm 1. */
function bernoulliExpUnit({ numerator, denominator }: Rational, bytes: ByteSource): boolean {
  let k = 1n;
  while (bernoulli(rational(numerator, denominator * k), bytes)) k += 1n;
  return k % 2n === 1n;
}

const ONE = rational(1n);
const HALF = rational(1n, 2n);

/** Bernoulli(exp(−γ)) for any γ from 0 up: Algorithm 1. */
function bernoulliExp({ numerator, denominator }: Rational, bytes: ByteSource): boolean {
  for (let whole = numerator / denominator; whole > 0n; whole--)
    if (!bernoulliExpUnit(ONE, bytes)) return false;
  return bernoulliExpUnit(rational(numerator % denominator, denominator), bytes);
}

/** Geometric with parameter 1 − exp(−γ), for γ above 0: the greater part of Algorithm 2. */
function geometricExp({ numerator, denominator }: Rational, bytes: ByteSource): bigint {
  let u = below(denominator, bytes);
  while (!bernoulliExpUnit(rational(u, denominator), bytes)) u = below(denominator, bytes);
  let v = 0n;
  while (bernoulliExpUnit(ONE, bytes)) v += 1n;
  return (u + denominator * v) / numerator;
}

/**
 * One sample of the discrete Laplace distribution: P(x) is proportional to exp(−|x|/scale).
 * @param scale above 0; 0 gives 0
 */
export function discreteLaplace(scale: Rational, bytes: ByteSource): bigint {
  if (scale.numerator === 0n) return 0n;
  for (;;) {
    const negative = bernoulli(HALF, bytes);
    const magnitude = geometricExp({ numerator: scale.denominator, denominator: scale.numerator }, bytes);
    if (!negative) return magnitude;
    // Minus zero would make zero twice as likely.
    if (magnitude !== 0n) return -magnitude;
  }
}

/**
 * One sample of the discrete Gaussian distribution: P(x) is proportional to exp(−x²/2σ²).
 * @param sigma the standard deviation of the continuous Gaussian of that shape; 0 gives 0
 */
export function discreteGaussian({ numerator: n, denominator: d }: Rational, bytes: ByteSource): bigint {
  if (n === 0n) return 0n;
  const t = n / d + 1n;
  for (;;) {
    const y = discreteLaplace(rational(t), bytes);
    // γ = (|y| − σ²/t)² / 2σ², over the common denominator d²t.
    const distance = (y < 0n ? -y : y) * d * d * t - n * n;
    const gamma = rational(distance * distance, 2n * n * n * d * d * t * t);
    if (bernoulliExp(gamma, bytes)) return y;
  }
}
