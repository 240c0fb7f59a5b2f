import {
  addMs,
  memberId,
  type Instant,
  type PinnedConsent,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import { givingOf } from "../../gateway/release/consents.ts";
import { votedPolicy } from "../../protocol/policy.ts";

/** A made-up policy in force through 2026, with own-account offers about any time. */
const [EFFECTIVE, SUNSET] = ["2026-01-01T00:00Z", "2026-12-31T00:00Z"];

export interface OfferWords {
  readonly id: string;
  readonly recipientKey: string;
  readonly kind?: "energyInterval" | "farmDay";
  readonly purpose?: string;
  readonly title?: string;
  readonly recipient?: string;
  readonly retentionDays?: number;
  readonly granularity?: string;
  readonly utcOffsetMinutes?: number;
}

const offerOf = (words: OfferWords): object => ({
  ...{ lane: "ownAccount", title: words.id, kind: "energyInterval", purpose: "dpv:ServiceProvision" },
  ...{ recipient: "hub", retentionDays: 30, unit: "Wh", expires: "2100-01-01T00:00Z" },
  ...{ granularity: words.kind === "farmDay" ? "day" : "quarterHour" },
  window: { from: 0, to: "2100-01-01T00:00Z" },
  ...words,
});

export const votedFor = (offers: readonly OfferWords[], version = 1): VotedPolicy =>
  votedPolicy.parse({
    ...{ version, previous: version === 1 ? null : "a".repeat(64), effective: EFFECTIVE, sunset: SUNSET },
    offers: offers.map(offerOf),
  });

/** A member's yes to an offer of a policy, as the record's command takes it; for 180 days where no end is said. */
export function yesTo(
  policy: VotedPolicy,
  yes: {
    readonly member: string;
    readonly offer?: string;
    readonly given: Instant;
    readonly expires?: Instant;
  },
): ReturnType<typeof givingOf> {
  const offer = policy.offers.find(({ id }) => id === (yes.offer ?? policy.offers[0]?.id));
  if (!offer) throw new Error(`the policy has no offer ${yes.offer}`);
  const { given, expires = addMs(given, 180 * 86_400_000) } = yes;
  return givingOf({ member: memberId(yes.member), policy, offer, given, expires });
}

/** The same as the gate reads it. */
export function consentTo(...[policy, yes]: Parameters<typeof yesTo>): PinnedConsent {
  const { policy: _, limits: __, mandate: ___, ...consent } = yesTo(policy, yes);
  return { ...consent, limits: {} };
}
