import { loadavg } from "node:os";

/** What a benchmark is: one file `bench/<name>.bench.ts` that exports `bench`. */
export interface Bench {
  readonly name: string;
  /** One line: what is measured, against what. */
  readonly about: string;
  run(context: BenchContext): Promise<readonly Figure[]>;
}

export interface BenchContext {
  /** An empty folder that is removed afterwards. */
  readonly folder: string;
  /** Says something to the person who watches: what is skipped and why, for example. */
  note(line: string): void;
  /** `--long`: as long as the figure deserves, ten minutes for memory that must stay flat. */
  readonly long: boolean;
  /** `--only PART`: of a benchmark with parts, this one. */
  readonly only?: string | undefined;
  /** Aborts when the person has seen enough. */
  readonly signal: AbortSignal;
}

export interface Figure {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** How many wanted a processor when it was measured (load average of a minute). */
  readonly load?: number;
  /** The same work done by another program in the same run. */
  readonly peer?: { readonly name: string; readonly value: number };
  /** value ÷ peer's value. */
  readonly ratio?: number;
}

/** A figure beside its peer's, where the peer is on this machine. */
export function besidePeer(figure: Figure, peer: { name: string; value: number } | undefined): Figure {
  return peer ? { ...figure, peer, ratio: round(figure.value / peer.value) } : figure;
}

/** The machine's load average of the last minute. */
export const loadNow = (): number => round(loadavg()[0] ?? 0);

/** Three significant digits: more would pretend. */
export const round = (value: number): number => Number(value.toPrecision(3));
