import type { Instant, Reading } from "../../domain/model/index.ts";
import type { Override } from "./commands.ts";
import type { ActuatorSettings, Interlock } from "./settings.ts";

/**
 * When an actuator may be switched. A person's word comes first and stands above every interlock; then what must be so
 * for it to be on; then its minimum times. What is not known is not so.
 */
export type OnOff = Override;

/** What is known of an actuator at one moment. */
export interface Facts {
  readonly now: Instant;
  /** Undefined where the wire has not answered since the start. */
  readonly is: OnOff | undefined;
  /** When it went there. */
  readonly since: Instant;
  readonly override: OnOff | undefined;
  /** The newest reading of a stream. */
  newest(stream: string): Reading | undefined;
}

export type Refusal =
  | { readonly because: "manualOverride" }
  | { readonly because: "interlock"; readonly stream: string }
  | { readonly because: "minimumOn" | "minimumOff"; readonly waitMs: number };

/** Why a flow may not switch there now; undefined where it may. */
export function refusalOf(settings: ActuatorSettings, wanted: OnOff, facts: Facts): Refusal | undefined {
  const { override, is } = facts;
  if (override !== undefined && override !== wanted) return { because: "manualOverride" };
  const broken = wanted === "on" && override === undefined ? brokenInterlock(settings, facts) : undefined;
  if (broken) return { because: "interlock", stream: broken.stream };
  if (is === undefined || is === wanted) return undefined;
  const waitMs = minimumLeft(settings, facts);
  return waitMs > 0 ? { because: is === "on" ? "minimumOn" : "minimumOff", waitMs } : undefined;
}

/** The first interlock that does not hold; undefined where all do. */
export const brokenInterlock = (
  { onlyWhile }: Pick<ActuatorSettings, "onlyWhile">,
  facts: Pick<Facts, "now" | "newest">,
): Interlock | undefined => onlyWhile.find((interlock) => !holds(interlock, facts));

function holds(
  { stream, above, below, maxAge }: Interlock,
  { now, newest }: Pick<Facts, "now" | "newest">,
): boolean {
  const reading = newest(stream);
  if (!reading || reading.quality !== "ok" || now - reading.time > maxAge) return false;
  return (above === undefined || reading.value > above) && (below === undefined || reading.value < below);
}

/** How long it has to stay where it is, ms. */
export const minimumLeft = (
  { minimumOn, minimumOff }: Pick<ActuatorSettings, "minimumOn" | "minimumOff">,
  { is, since, now }: Pick<Facts, "is" | "since" | "now">,
): number => (is === undefined ? 0 : since + (is === "on" ? minimumOn : minimumOff) - now);

/** Who holds the actuator, and until when without another word. */
export interface Lease {
  readonly wanted: OnOff;
  readonly by: string;
  readonly until: Instant;
}

/** Where it should be, and why. */
export function dueNow(
  settings: ActuatorSettings,
  lease: Lease | undefined,
  facts: Facts,
): {
  readonly state: OnOff;
  readonly because: "override" | "command" | "watchdog" | "interlock" | "minimumOff";
} {
  if (facts.override !== undefined) return { state: facts.override, because: "override" };
  const isHeld = lease !== undefined && facts.now < lease.until;
  const state = isHeld ? lease.wanted : settings.safe;
  if (state === "off") return { state, because: isHeld ? "command" : "watchdog" };
  if (brokenInterlock(settings, facts)) return { state: "off", because: "interlock" };
  // Falling back to "on" (a fridge) does not start a compressor before its rest is over.
  if (facts.is === "off" && minimumLeft(settings, facts) > 0) return { state: "off", because: "minimumOff" };
  return { state, because: isHeld ? "command" : "watchdog" };
}
