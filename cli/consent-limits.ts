import { Option, type Command } from "commander";
import {
  FieldwattError,
  GRANULARITIES,
  instant,
  type ConsentLimits,
  type Granularity,
} from "../domain/model/index.ts";
import { limitsToText } from "../protocol/policy.ts";
import { wholeNumber } from "./command-line.ts";

/** A member's own limits on the command line: stricter than the offer; a looser one has no effect. */
export interface LimitChoice {
  readonly granularity?: Granularity;
  readonly retentionDays?: number;
  readonly leastMembers?: number;
  readonly aboutFrom?: string;
  readonly aboutTo?: string;
}

export const withLimits = (command: Command): Command =>
  command
    .addOption(new Option("--granularity <step>", "no finer than this").choices(GRANULARITIES))
    .option("--retention-days <n>", "kept for at most so many days", wholeNumber({ from: 1, to: 3660 }))
    .option("--least-members <n>", "only together with so many", wholeNumber({ from: 2, to: 10_000 }))
    .option("--about-from <time>", "only figures from then on, ISO 8601 in UTC")
    .option("--about-to <time>", "only figures before then, ISO 8601 in UTC");

/** @throws FieldwattError OPTION_INVALID for a span that is none */
export function limitsOf(choice: LimitChoice): ConsentLimits {
  const { granularity, retentionDays, leastMembers, aboutFrom, aboutTo } = choice;
  const window = { from: timeOf(aboutFrom, 0), to: timeOf(aboutTo, Date.UTC(3000, 0)) };
  if (!(window.from < window.to))
    throw new FieldwattError("OPTION_INVALID", "--about-from must be before --about-to");
  return {
    ...(granularity && { granularity }),
    ...(retentionDays !== undefined && { retentionDays }),
    ...(leastMembers !== undefined && { leastMembers }),
    ...((aboutFrom ?? aboutTo) !== undefined && { window }),
  };
}

function timeOf(text: string | undefined, otherwise: number): ReturnType<typeof instant> {
  if (text === undefined) return instant(otherwise);
  const time = Date.parse(text);
  if (Number.isNaN(time) || !/^\d{4}-\d{2}-\d{2}/.test(text))
    throw new FieldwattError("OPTION_INVALID", `"${text}" is no time such as 2026-07-01T00:00Z`);
  return instant(time);
}

/** Nothing for a yes without limits, else "  within {…}". */
export function limitsInLine(limits: ConsentLimits): string {
  const text = limitsToText(limits);
  return text === "{}" ? "" : `  within ${text}`;
}
