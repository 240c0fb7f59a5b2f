import { instant, type Clock, type Instant } from "../domain/model/index.ts";

/**
 * Clocks. The real one runs at the world's pace. The village clock of a demo is a straight line through one pair
 * (world time, village time) with a slope: processes that are given the same line agree on the time without
 * talking to each other. The manual clock stands still until a test moves it.
 */
export interface ClockLine {
  /** Milliseconds since 1970 on the world's clock, and the village's time at that moment. */
  readonly world: number;
  readonly village: number;
  /** Village seconds in one second of the world. */
  readonly speed: number;
}

/** Node's timers hold at most 2^31 - 1 ms; longer waits are cut into pieces. */
const LONGEST_TIMER_MS = 2_000_000_000;

export function openClock(wallClock: () => number, line?: ClockLine): Clock {
  const { world, village, speed } = line ?? { world: 0, village: 0, speed: 1 };
  const now = (): Instant => instant(Math.floor(village + (wallClock() - world) * speed));
  return {
    now,
    // Before 2024 nobody ran this program: a clock that says so was never set.
    trusted: () => now() > Date.UTC(2024, 0, 1),
    speed,
    async sleep(ms, signal) {
      let left = ms / speed;
      while (left > 0 && !signal?.aborted) {
        const piece = Math.min(left, LONGEST_TIMER_MS);
        await pause(piece, signal);
        left -= piece;
      }
    },
  };
}

/**
 * Resolves after so many ms, or when the signal aborts. A promise of Node's timers leaves several times as much behind,
 * and a gateway waits thousands of times a second.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal?.addEventListener("abort", over);
  });
}

/** `world,village,speed` as one command-line word, and back. */
export const clockLineToText = (line: ClockLine): string => `${line.world},${line.village},${line.speed}`;

export function clockLineFromText(text: string): ClockLine | undefined {
  const [world, village, speed, ...rest] = text.split(",").map(Number);
  if (rest.length > 0 || !Number.isFinite(world) || !Number.isFinite(village) || !(Number(speed) > 0))
    return undefined;
  return { world: Number(world), village: Number(village), speed: Number(speed) };
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that a test moves: sleepers wake in the order in which they are due. */
export class ManualClock implements Clock {
  readonly speed = 1;
  private time: number;
  private believed = true;
  private sleepers: Sleeper[] = [];

  constructor(start: Instant) {
    this.time = start;
  }

  now(): Instant {
    return instant(this.time);
  }

  trusted(): boolean {
    return this.believed;
  }

  trust(believed: boolean): void {
    this.believed = believed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = { due: this.time + ms, wake: resolve };
      this.sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        resolve();
      });
    });
  }

  /** Moves time forward, waking sleepers on the way and letting what they started run between two of them. */
  async advance(ms: number): Promise<void> {
    const target = this.time + ms;
    for (;;) {
      const next = this.sleepers.filter((s) => s.due <= target).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.time = next.due;
      this.sleepers = this.sleepers.filter((s) => s !== next);
      next.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.time = target;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
