import {
  dayBounds,
  instant,
  memberId,
  type Clock,
  type Day,
  type DenyReason,
  type FarmDay,
  type FarmDaySummary,
  type PolicySource,
} from "../../domain/model/index.ts";
import type { RecordStore } from "../record/store.ts";
import { decideNow } from "../release/gate.ts";
import type { Site } from "../site/load.ts";

/**
 * A farm day that a flow has reckoned (from a station that the gateway does not read) on its way to the gate. It is the
 * same gate: policy and consent decide, and what they refuse is not kept, so that its reason can be answered.
 */
export interface HandedDay {
  readonly member: string;
  readonly day: string;
  readonly farm: FarmDay;
}

export type HandedRefusal = DenyReason | "noSuchMember" | "dayNotOver" | "summedHere" | "alreadyHanded";

export type Handed =
  | { readonly decision: "release"; readonly offer: string }
  | { readonly decision: "deny"; readonly because: HandedRefusal };

export interface SummariesOptions {
  readonly site: Site;
  readonly store: Pick<RecordStore, "read" | "run">;
  readonly policy: PolicySource;
  readonly clock: Clock;
}

/** Mountings of whose devices the gateway makes farm days itself. */
const SUMMED_HERE: ReadonlySet<string> = new Set(["weather", "soil"]);
const deny = (because: HandedRefusal): Handed => ({ decision: "deny", because });

/** Resolves when it is decided; a yes leaves with the gate's next pass. Throws RECORD_FAILED. */
export async function handSummary(handed: HandedDay, options: SummariesOptions): Promise<Handed> {
  const { site, store, policy, clock } = options;
  const { member, day, farm } = handed;
  if (!site.members.some(({ id }) => id === member)) return deny("noSuchMember");
  const { start, end } = dayBounds(day as Day, site.timeZone);
  if (clock.now() < end) return deny("dayNotOver");
  // Two sources of one figure would correct each other for ever.
  if (site.devices.some((device) => device.member === member && SUMMED_HERE.has(device.mounting)))
    return deny("summedHere");
  const known = store.read.prepare("SELECT 1 FROM summary WHERE kind = 'farmDay' AND member = ? AND key = ?");
  if (known.get(member, day)) return deny("alreadyHanded");
  const summary = summaryOf(handed, site, farm);
  const decision = decideNow(summary, { store, policy, clock, hub: site.hub });
  if ("because" in decision) return deny(decision.because);
  await store.run("saveSummaries", {
    intervals: [],
    summaries: [{ key: day, time: instant(start), summary }],
    progress: {},
  });
  return { decision: "release", offer: decision.id };
}

function summaryOf({ member, day }: HandedDay, site: Site, farm: FarmDay): FarmDaySummary {
  return {
    ...{ kind: "farmDay", member: memberId(member), day: day as Day, farm },
    // As the gateway's own farm days: too coarse for an address.
    latitude: Math.round(site.latitude * 10) / 10,
    elevation: site.elevation,
    windSensorHeight: 2,
  };
}
