import type { PinnedConsent, Span, VotedOffer, VotedPolicy } from "../model/index.ts";
import { compareCaps, compareOffers, type Change } from "./compare.ts";
import { isProhibited } from "./prohibited.ts";

/**
 * What becomes of a yes when the co-op votes a new policy. It was said to the words of an older one. It holds for the
 * new offer only where nothing in it is looser than what was agreed to, field by field; otherwise the member is asked
 * again. How long the offer lasts, and which time it is about, may grow: the yes keeps the ends that it had.
 */
export function carryOver(
  consents: readonly PinnedConsent[],
  { policy, earlier }: { policy: VotedPolicy; earlier: (hash: string) => VotedPolicy | undefined },
): PinnedConsent[] {
  return consents.map((consent) => {
    if (consent.policyHash === policy.hash) return consent;
    const before = earlier(consent.policyHash);
    return (before && carryOne(consent, before, policy)) ?? consent;
  });
}

/** The same yes as one to the new policy, or undefined where the member must be asked again. */
function carryOne(
  consent: PinnedConsent,
  before: VotedPolicy,
  policy: VotedPolicy,
): PinnedConsent | undefined {
  if (before.version !== consent.policyVersion || before.version >= policy.version) return undefined;
  const [agreed, offered] = [offerIn(before, consent), offerIn(policy, consent)];
  if (!agreed || !offered || isProhibited(before, agreed)) return undefined;
  if (!changesOf([before, agreed], [policy, offered]).every(({ effect }) => NOT_LOOSER.has(effect)))
    return undefined;
  const { limits, expires } = consent;
  return {
    ...consent,
    policyVersion: policy.version,
    policyHash: policy.hash,
    expires: expires <= agreed.expires ? expires : agreed.expires,
    limits: { ...limits, window: limits.window ? common(limits.window, agreed.window) : agreed.window },
  };
}

const NOT_LOOSER: ReadonlySet<Change["effect"]> = new Set(["same", "tighten"]);
/** Fields whose old ends the yes keeps. */
const KEPT: ReadonlySet<string> = new Set(["expires", "window"]);

function offerIn({ offers }: VotedPolicy, { offer: id }: PinnedConsent): VotedOffer | undefined {
  const found = offers.filter((offer) => offer.id === id);
  return found.length === 1 ? found[0] : undefined;
}

function changesOf(
  [before, agreed]: readonly [VotedPolicy, VotedOffer],
  [policy, offered]: readonly [VotedPolicy, VotedOffer],
): readonly Change[] {
  const terms = compareOffers(agreed, offered).filter(({ field }) => !KEPT.has(field));
  const spends = offered.lane === "collective" && offered.noise !== undefined;
  return spends ? [...terms, ...compareCaps(before.epsilonCaps, policy.epsilonCaps)] : terms;
}

/** Where two spans have nothing in common, one that nothing fits into. */
function common(a: Span, b: Span): Span {
  const from = a.from >= b.from ? a.from : b.from;
  const to = a.to <= b.to ? a.to : b.to;
  return from < to ? { from, to } : { from, to: from };
}
