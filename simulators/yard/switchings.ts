import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { YARD_SWITCHES, type Switching } from "../village/yard.ts";

/**
 * What was switched in the yard so far, one line each, beside the serial links: started again, the yard comes to the
 * same counters, water and charge as if it had never stopped.
 */
export interface SwitchingBook {
  readonly switchings: readonly Switching[];
  add(switching: Switching): void;
}

/** Beyond it the older half is forgotten, and the yard's history is another one from then on. */
export const SWITCHINGS_MAX = 100_000;

/** Lines that are damaged or from the future (another clock's) are left out. */
export function openSwitchings(dataDir: string, now: number): SwitchingBook {
  const file = join(dataDir, "switchings.jsonl");
  const all = linesOf(file)
    .flatMap((line) => switchingOf(line) ?? [])
    .filter(({ time }) => time <= now)
    .toSorted((a, b) => a.time - b.time);
  const kept = all.length > SWITCHINGS_MAX ? all.slice(-SWITCHINGS_MAX / 2) : all;
  if (kept.length < all.length) writeFileSync(file, kept.map(lineOf).join(""));
  return {
    switchings: kept,
    add: (switching) => appendFileSync(file, lineOf(switching)),
  };
}

const lineOf = ({ time, what, on }: Switching): string => `${JSON.stringify([time, what, on])}\n`;

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
}

function switchingOf(line: string): Switching | undefined {
  try {
    const found: unknown = JSON.parse(line);
    if (!Array.isArray(found)) return undefined;
    const [time, name, on] = found as unknown[];
    const what = YARD_SWITCHES.find((one) => one === name);
    if (typeof time !== "number" || typeof on !== "boolean" || !what) return undefined;
    return { time, what, on };
  } catch {
    return undefined;
  }
}
