/**
 * Wrong passwords cost time: after some under one name from one address, each further one makes that pair wait, twice
 * as long as before. Others under the same name, from elsewhere, do not wait with it: a device is not locked out by
 * whoever guesses at its name. A try is charged before it is looked at and forgiven when it was right.
 */
const FREE = 10;
const FIRST_WAIT_MS = 1_000;
export const LONGEST_WAIT_MS = 60_000;
/** Made-up names fill the memory no further; the pair that was quiet longest goes first. */
const PAIRS_MAX = 10_000;

export class SignInThrottle {
  private readonly pairs = new Map<string, { wrong: number; until: number }>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Milliseconds that this try must wait, or 0 when it may go on. */
  charge(pair: string): number {
    const { wrong, until } = this.pairs.get(pair) ?? { wrong: 0, until: 0 };
    const now = this.now();
    if (until > now) return until - now;
    const doublings = Math.min(wrong + 1 - FREE, 30);
    const wait = doublings < 0 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** doublings, LONGEST_WAIT_MS);
    this.pairs.delete(pair);
    this.pairs.set(pair, { wrong: wrong + 1, until: now + wait });
    const [oldest] = this.pairs.keys();
    if (this.pairs.size > PAIRS_MAX && oldest !== undefined) this.pairs.delete(oldest);
    return 0;
  }

  forgive(pair: string): void {
    this.pairs.delete(pair);
  }
}
