/** A fraction from 0 up, exact, for the privacy budget and the width of noise: a float would round, and leak. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));

/** A rational in lowest terms, not negative. @throws RangeError for a denominator of 0 or a negative value */
export function rational(numerator: bigint, denominator = 1n): Rational {
  if (denominator <= 0n || numerator < 0n)
    throw new RangeError(`${numerator}/${denominator} is not a rational from 0 up`);
  const divisor = gcd(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** "3" or "7/2". @throws RangeError for anything else */
export function rationalFromText(text: string): Rational {
  const match = /^(\d{1,40})(?:\/(\d{1,40}))?$/.exec(text);
  if (!match?.[1]) throw new RangeError(`"${text}" is not a whole number or a fraction such as 7/2`);
  return rational(BigInt(match[1]), BigInt(match[2] ?? "1"));
}

export const rationalToText = ({ numerator, denominator }: Rational): string =>
  denominator === 1n ? String(numerator) : `${numerator}/${denominator}`;

export const addRationals = (a: Rational, b: Rational): Rational =>
  rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);

/** Below 0 where a < b, 0 where they are equal, above 0 where a > b. */
export function compareRationals(a: Rational, b: Rational): number {
  const [left, right] = [a.numerator * b.denominator, b.numerator * a.denominator];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
