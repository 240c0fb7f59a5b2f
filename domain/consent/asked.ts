import type { DenyReason, Instant, MemberId, PinnedConsent, Span, VotedPolicy } from "../model/index.ts";
import { rulesOf } from "./limits.ts";
import { isProhibited } from "./prohibited.ts";
import { standingOf, type Asked, type Standing } from "./standing.ts";
import { isOnGrid, isWithin, stepAt } from "./windows.ts";

/** What every decision is made from, besides what is asked. */
export interface Moment {
  readonly now: Instant;
  readonly clockTrusted: boolean;
  readonly policy: VotedPolicy | undefined;
  readonly consents: readonly PinnedConsent[];
}

/** What the consents to an offer are held against for a window, or why nobody needs to be asked. */
export function askedOf(
  moment: Omit<Moment, "consents">,
  { offer: id, window }: { readonly offer: string; readonly window: Span },
): Asked | DenyReason {
  const found = offerOf(moment, id);
  if (typeof found === "string") return found;
  const { now, offer } = found;
  if (!isOnGrid(window, offer)) return "windowInvalid";
  // Written so that a time that is not a number denies.
  if (!(window.to <= now)) return "windowOpen";
  if (!isWithin(window, offer.window)) return "windowOutsideOffer";
  return { ...found, rules: rulesOf(offer), window };
}

function offerOf(
  { now, clockTrusted, policy }: Omit<Moment, "consents">,
  id: string,
): Pick<Asked, "now" | "policy" | "offer"> | DenyReason {
  if (clockTrusted !== true || !Number.isSafeInteger(now)) return "clockUntrusted";
  if (policy === undefined) return "noPolicy";
  if (!(now >= policy.effective)) return "policyNotYet";
  if (!(now < policy.sunset)) return "policySunset";
  const offers = policy.offers.filter((one) => one.id === id);
  const [offer] = offers;
  if (offer === undefined) return "noOffer";
  if (offers.length > 1) return "policyInvalid";
  if (!(now < offer.expires)) return "offerExpired";
  if (isProhibited(policy, offer)) return "prohibited";
  return { now, policy, offer };
}

const out = (because: DenyReason): Standing => ({ stands: false, because });

export interface StandingAsked {
  readonly member: MemberId;
  readonly offer: string;
  readonly window: Span;
}

/** How one member stands to an offer for a window that has ended. Total: an error is out. */
export function standingIn(moment: Moment, { member, ...what }: StandingAsked): Standing {
  try {
    const asked = askedOf(moment, what);
    return typeof asked === "string" ? out(asked) : standingOf(ownOf(moment, member), asked);
  } catch {
    return out("error");
  }
}

/** How one member stands to an offer for the window that runs, or its first where that is still to come. Total. */
export function standingToday(
  moment: Moment,
  { member, offer: id }: Pick<StandingAsked, "member" | "offer">,
): Standing {
  try {
    const found = offerOf(moment, id);
    if (typeof found === "string") return out(found);
    const { now, offer } = found;
    const window = stepAt(now >= offer.window.from ? now : offer.window.from, offer);
    if (window.to > offer.window.to) return out("windowOutsideOffer");
    return standingOf(ownOf(moment, member), {
      ...found,
      rules: rulesOf(offer),
      window: within(window, offer.window),
    });
  } catch {
    return out("error");
  }
}

const ownOf = ({ consents }: Moment, member: MemberId): PinnedConsent[] =>
  consents.filter((consent) => consent.member === member);

/** A first step that begins before the offer's time is looked at from where the offer begins. */
const within = (window: Span, { from }: Span): Span => (window.from < from ? { ...window, from } : window);
