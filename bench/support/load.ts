import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What the publisher does. */
export interface Load {
  readonly port: number;
  readonly users: readonly { readonly user: string; readonly password: string; readonly topic: string }[];
  readonly payload: string;
  /** Messages under way on each connection. */
  readonly inFlight: number;
  /** Messages a second on each connection, acknowledged or not; absent: as fast as acknowledgements come back. */
  readonly pace?: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** PUBACKs in the measured time, and from the first. */
export interface Counted {
  readonly acknowledged: number;
  readonly ms: number;
  readonly total: number;
  /** From sending to the acknowledgement in the measured time, ms: half of them, and 99 of 100, were faster. */
  readonly median: number;
  readonly p99: number;
}

const publisher = new URL("./publisher.ts", import.meta.url).pathname;

/** Runs the publisher in a process of its own. */
export async function publish(load: Load, signal: AbortSignal): Promise<Counted> {
  const { stdout } = await promisify(execFile)(process.execPath, [publisher, JSON.stringify(load)], {
    signal,
  });
  return JSON.parse(stdout) as Counted;
}
