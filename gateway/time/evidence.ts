import { instant, toIso, type Instant } from "../../domain/model/index.ts";
import type { Look } from "./model.ts";

/** Who may vouch for the time without a person: the site file's `clock: { trust }`. */
export type Trust = "system" | "ntp" | "operator";

/** What the machine says about NTP. */
export interface NtpState {
  /** An NTP service runs on this machine. */
  readonly service: boolean;
  readonly synchronised: boolean;
  /** The wall clock at its last success, where the service tells it, ms. */
  readonly lastSync?: number;
}

export interface Evidence {
  readonly uptime: number;
  readonly wall: number;
  readonly trust: Trust;
  readonly ntp: NtpState;
  /** A real-time clock with a battery set this machine's clock, and still agrees with it. */
  readonly rtcAgrees: boolean;
  /** The newest entry that the record had at the start: it is later than that now. */
  readonly newest: Instant;
  /** While the wall clock stands where it jumped to: uptime of the last look before. */
  readonly steadyUntil?: number;
  /** A time that the hub signed, and the uptime at which it was heard. */
  readonly hub?: { readonly time: number; readonly uptime: number };
}

/** Nobody ran this program before: a clock that says so was never set. */
export const EARLIEST = instant(Date.UTC(2026, 0, 1));
/** A device's own stamp may run ahead this far (gateway/acquire/keep.ts), so the newest entry may, too. */
const NEWEST_AHEAD_MS = 5 * 60_000;
/** timesyncd asks every 34 min at most (timesyncd.conf, PollIntervalMaxSec): five times without an answer. */
const SYNC_LASTS_MS = 3 * 3_600_000;
/** A message travels, and waits in the brokers' queues. */
const HUB_WITHIN_MS = 60_000;
/** What the hub said counts for so long. */
const HUB_LASTS_MS = 10 * 60_000;
/** A look and the sync that it tells of are not the same moment. */
const SYNC_SLACK_MS = 2_000;

/** It is later than this now, whatever any clock says. */
export const floorOf = (newest: Instant): Instant => instant(Math.max(EARLIEST, newest - NEWEST_AHEAD_MS));

/**
 * Whether the wall clock may be believed now, and who says so. A clock that is behind the newest entry of the record
 * is never believed without a person: a Pi that wakes in the past would revive consents that have ended.
 */
export function weigh(evidence: Evidence): Pick<Look, "confirmed" | "because"> {
  const { wall, trust, newest } = evidence;
  if (trust === "operator") return { because: "the operator has not said what time it is" };
  const floor = floorOf(newest);
  if (wall < floor)
    return { because: `the machine's clock says a time before ${toIso(floor).slice(0, 16)}Z` };
  const time = instant(Math.floor(wall));
  if (isSynchronised(evidence)) return { confirmed: { source: "ntp", time } };
  if (hubAgrees(evidence)) return { confirmed: { source: "hub", time } };
  if (trust === "ntp" || (evidence.ntp.service && !evidence.rtcAgrees))
    return { because: "the machine's clock is not synchronised by NTP" };
  return { confirmed: { source: "system", time } };
}

/** After a jump only a sync that came after it counts: before it the service meant another time. */
function isSynchronised({ ntp, wall, uptime, steadyUntil }: Evidence): boolean {
  if (!ntp.synchronised || ntp.lastSync === undefined) return ntp.synchronised;
  const age = wall - ntp.lastSync;
  const limit = steadyUntil === undefined ? SYNC_LASTS_MS : uptime - steadyUntil + SYNC_SLACK_MS;
  return age >= -SYNC_SLACK_MS && age <= limit;
}

const hubAgrees = ({ hub, wall, uptime }: Evidence): boolean =>
  hub !== undefined &&
  uptime - hub.uptime <= HUB_LASTS_MS &&
  Math.abs(hub.time + (uptime - hub.uptime) - wall) <= HUB_WITHIN_MS;
