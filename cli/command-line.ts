import { existsSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { clockLineFromText, openClock, type ClockLine } from "../platform/clock.ts";
import { messageOf, type Clock } from "../domain/model/index.ts";

/** What several commands share: reading options, the clock, and an end that is clean. */

export const wholeNumber =
  ({ from, to }: { from: number; to: number }) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < from || value > to)
      throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`);
    return value;
  };

export const positiveNumber =
  ({ to }: { to: number }) =>
  (text: string): number => {
    const value = Number(text);
    if (!(value > 0 && value <= to))
      throw new InvalidArgumentError(`It must be a number above 0, at most ${to}.`);
    return value;
  };

export function clockLine(text: string): ClockLine {
  const line = clockLineFromText(text);
  if (!line) throw new InvalidArgumentError("It must be three numbers: world ms, village ms, speed.");
  return line;
}

export const clockOf = (line: ClockLine | undefined): Clock => openClock(() => Date.now(), line);

/** Aborts on SIGINT or SIGTERM, and when the parent that watches over this process is gone. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  if (process.connected) process.once("disconnect", () => stop.abort());
  return stop.signal;
}

/** Tells the parent process, where there is one that listens. */
export function tellParent(event: Record<string, unknown>): void {
  if (process.connected) process.send?.(event);
}

/** One clear line for a person, more with DEBUG set, and exit code 1. */
export function fail(error: unknown): void {
  console.error(`fieldwatt: ${messageOf(error)}`);
  if (process.env.DEBUG && error instanceof Error) console.error(error.stack);
  process.exitCode = 1;
}

export const firstThatExists = (...files: string[]): string | undefined =>
  files.find((file) => existsSync(file));
