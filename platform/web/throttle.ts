import type { DatabaseSync } from "node:sqlite";

/**
 * Guessing is made slow, durably: after so many wrong tries under one key, each further one must wait, twice as long
 * as the last. A try is charged before it is looked at, so that many at once gain nothing, and the charge is dropped
 * when it was right. Keys are counted whether or not a person of that name exists: the answer does not tell.
 */
export interface Throttle {
  /** Seconds to wait before the next try, or undefined when this one may go on; then it is charged already. */
  charge(key: string): number | undefined;
  forgive(key: string): void;
}

export interface ThrottleLimits {
  /** Wrong tries before the first wait. */
  readonly free: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

export const THROTTLE_SCHEMA = `
  CREATE TABLE attempt (
    key TEXT PRIMARY KEY, wrong INTEGER NOT NULL, last INTEGER NOT NULL, blocked_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attempt_last ON attempt (last);
`;

/** Made-up names fill the table no further; the keys that were quiet longest go first. */
const KEYS_MAX = 10_000;

export function throttle(db: DatabaseSync, wallNow: () => number, limits: ThrottleLimits): Throttle {
  const find = db.prepare("SELECT wrong, blocked_until AS until FROM attempt WHERE key = ?");
  const put = db.prepare(
    "INSERT OR REPLACE INTO attempt (key, wrong, last, blocked_until) VALUES (?, ?, ?, ?)",
  );
  const drop = db.prepare("DELETE FROM attempt WHERE key = ?");
  const prune = db.prepare(
    "DELETE FROM attempt WHERE key IN (SELECT key FROM attempt ORDER BY last DESC LIMIT -1 OFFSET ?)",
  );
  return {
    charge(key) {
      const now = wallNow();
      const row = find.get(key);
      const until = Number(row?.until ?? 0);
      if (until > now) return Math.ceil((until - now) / 1000);
      const wrong = Number(row?.wrong ?? 0) + 1;
      const doublings = Math.min(wrong - limits.free, 30);
      const wait = doublings < 0 ? 0 : Math.min(limits.firstWaitMs * 2 ** doublings, limits.longestWaitMs);
      put.run(key, wrong, now, now + wait);
      if (wrong === 1) prune.run(KEYS_MAX);
      return undefined;
    },
    forgive: (key) => void drop.run(key),
  };
}
