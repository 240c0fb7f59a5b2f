import {
  rationalToText,
  type CollectiveOffer,
  type Summary,
  type SummaryKind,
  type VotedOffer,
} from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import type { SummaryItem } from "../../protocol/messages.ts";
import { itemOf } from "../release/gate.ts";
import { inForce } from "../site/load.ts";
import type { Portal } from "./context.ts";

/** A pseudonym that nobody has. */
const NOBODY = "0".repeat(32);

const MADE: Readonly<Record<SummaryKind, SummaryItem>> = {
  energyInterval: {
    ...{ kind: "energyInterval", subject: NOBODY, start: 1_781_517_600_000, provenance: "counted" },
    ...{ import: 120, export: 0, production: 45, consumption: 165, selfConsumption: 45 },
  },
  farmDay: {
    ...{ kind: "farmDay", subject: NOBODY, day: "2026-06-15", latitude: 0, elevation: 1_600 },
    windSensorHeight: 2,
    farm: { airTemperatureMin: 12.5, airTemperatureMax: 24.1, rainfall: 3.2, coverage: 1 },
  },
};

/**
 * What would leave under an offer, byte for byte: the member's own last one, where there is one. One that has left is
 * shown as it left; one that has not is shown under a pseudonym of zeros, because its own is not decided yet.
 */
export function exampleOf(
  { store, policy }: Pick<Portal, "store" | "policy">,
  { member, offer }: { readonly member: string; readonly offer: VotedOffer },
): { readonly text: string; readonly own: boolean } {
  const sent = store.read
    .prepare(
      `SELECT item FROM release WHERE offer = ?2 AND item <> ''
         AND (member = ?1 OR sequence IN (SELECT sequence FROM group_member WHERE member = ?1))
       ORDER BY sequence DESC LIMIT 1`,
    )
    .get(member, offer.id);
  if (sent) return { text: String(sent.item), own: true };
  if (offer.lane === "collective") return { text: itemText(madeSum(offer), { offer, policy }), own: false };
  const last = store.read
    .prepare("SELECT summary FROM summary WHERE member = ? AND kind = ? ORDER BY time DESC LIMIT 1")
    .get(member, offer.kind);
  const summary = last ? itemOf(JSON.parse(String(last.summary)) as Summary, NOBODY) : MADE[offer.kind];
  return { text: itemText(summary, { offer, policy }), own: last !== undefined };
}

const itemText = (
  summary: SummaryItem,
  { offer, policy }: { readonly offer: VotedOffer } & Pick<Portal, "policy">,
): string =>
  canonicalJson({
    ...{ offer: offer.id, purpose: offer.purpose, policyVersion: inForce(policy)?.version ?? 0 },
    ...{ retentionDays: offer.retentionDays, summary, sequence: 1 },
  });

/** A sum that nobody made, in the form of the offer's: each of the fewest homes counts for half of what it may. */
function madeSum({ kind, group, clamp, round, unit, noise }: CollectiveOffer): SummaryItem {
  const value = Math.ceil((group.leastMembers * clamp) / 2 / round) * round;
  const [from, to] = [1_781_470_800_000, 1_781_557_200_000];
  const made = { kind: "groupStatistic", of: kind, from, to, value, unit } as const;
  return noise
    ? { ...made, epsilon: rationalToText(noise.epsilon) }
    : { ...made, members: group.leastMembers };
}
