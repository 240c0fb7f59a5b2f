import { FieldwattError } from "../../domain/model/index.ts";
import { openClock, type ClockLine } from "../../platform/clock.ts";
import { openUplink, type Uplink } from "../../simulators/index.ts";

/** The line to the hub, cut from some village minutes after the start, for some minutes. */
export interface UplinkCut {
  readonly afterMinutes: number;
  readonly forMinutes: number;
}

const KIND = "uplink-cut";
const MINUTES_MAX = 60 * 24 * 90;

/**
 * Takes `uplink-cut` (from the start, for good) and `uplink-cut:AFTER:FOR` (village minutes) out of the faults.
 * @throws FieldwattError OPTION_INVALID
 */
export function splitFaults(faults: readonly string[]): { cuts: UplinkCut[]; others: string[] } {
  const isCut = (fault: string): boolean => fault === KIND || fault.startsWith(`${KIND}:`);
  return { cuts: faults.filter(isCut).map(cutFromText), others: faults.filter((fault) => !isCut(fault)) };
}

function cutFromText(text: string): UplinkCut {
  if (text === KIND) return { afterMinutes: 0, forMinutes: MINUTES_MAX };
  const [, after = NaN, length = NaN, ...rest] = text.split(":").map(Number);
  const valid = rest.length === 0 && after >= 0 && length > 0 && after + length <= MINUTES_MAX;
  if (valid) return { afterMinutes: after, forMinutes: length };
  throw new FieldwattError(
    "OPTION_INVALID",
    `"${text}" is no cut; write ${KIND}, or ${KIND}:AFTER:FOR in village minutes, for example ${KIND}:30:120`,
  );
}

/** A relay in front of the hub that does what the cuts say, or nothing where there are none. */
export async function openFaultyUplink(
  cuts: readonly UplinkCut[],
  options: {
    line: ClockLine;
    wallNow: () => number;
    hubPort: number;
    signal: AbortSignal;
    say(text: string): void;
  },
): Promise<Uplink | undefined> {
  if (cuts.length === 0) return undefined;
  const uplink = await openUplink({ target: { host: "127.0.0.1", port: options.hubPort } });
  for (const cut of cuts) void runCut(cut, uplink, options);
  return uplink;
}

async function runCut(
  { afterMinutes, forMinutes }: UplinkCut,
  uplink: Uplink,
  {
    line,
    wallNow,
    signal,
    say,
  }: { line: ClockLine; wallNow: () => number; signal: AbortSignal; say(text: string): void },
): Promise<void> {
  const clock = openClock(wallNow, line);
  await clock.sleep(afterMinutes * 60_000, signal);
  if (signal.aborted) return;
  uplink.cut();
  say("The line to the hub is cut; summaries wait at home");
  await clock.sleep(forMinutes * 60_000, signal);
  if (signal.aborted) return;
  uplink.mend();
  say("The line to the hub is mended");
}
