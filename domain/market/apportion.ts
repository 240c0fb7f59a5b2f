/**
 * The one rounding tool of the market: whole units, shared by weight, with nothing lost and nothing made.
 *
 * Largest remainder (Hamilton): each gets floor(total × weight / sum of weights), and what is left over goes one unit
 * each to the largest remainders, ties to the smallest id. The order of the input never matters. Products of a total
 * and a weight may pass 2^53, so that they are BigInt inside.
 */
export type Whole = Readonly<Record<string, number>>;

/** Ids in the one order that breaks ties: by UTF-16 code units, the same on every machine and in every language. */
export const byId = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Shares `total` (whole, of either sign) by `weights` (whole, not negative); the shares sum to `total`, weight 0 gets 0.
 * @throws RangeError when a number is not whole, a weight is negative, or there is something to share and nobody to
 * take it
 */
export function apportion(total: number, weights: Whole): Record<string, number> {
  const parts = Object.entries(weights).map(([id, weight]) => ({ id, weight: naturalBig(weight) }));
  const sum = parts.reduce((all, part) => all + part.weight, 0n);
  if (sum === 0n && total !== 0) throw new RangeError(`${total} cannot be shared: every weight is 0`);
  const sign = total < 0 ? -1n : 1n;
  const amount = sign * wholeBig(total);
  const shares = parts.map(({ id, weight }) => {
    const product = amount * weight;
    return sum === 0n
      ? { id, share: 0n, remainder: 0n }
      : { id, share: product / sum, remainder: product % sum };
  });
  const left = amount - shares.reduce((all, { share }) => all + share, 0n);
  const ranked = shares.toSorted(
    (a, b) => (a.remainder === b.remainder ? 0 : a.remainder > b.remainder ? -1 : 1) || byId(a.id, b.id),
  );
  const extra = new Set(ranked.slice(0, Number(left)).map(({ id }) => id));
  // `sign * 0n` is 0n: no share is ever -0.
  return Object.fromEntries(
    shares.map(({ id, share }) => [id, wholeNumber(sign * (share + (extra.has(id) ? 1n : 0n)))]),
  );
}

/** A safe whole number as BigInt. */
export function wholeBig(value: number): bigint {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number`);
  return BigInt(value);
}

/** A safe whole number that is not negative, as BigInt. */
export function naturalBig(value: number): bigint {
  const big = wholeBig(value);
  if (big < 0n) throw new RangeError(`${value} is negative`);
  return big;
}

/** Back from BigInt. @throws RangeError when it is past 2^53 */
export function wholeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is too large to be counted exactly`);
  return number;
}
