import {
  compareRationals,
  GRANULARITIES,
  type ConsentLimits,
  type Rational,
  type Span,
  type VotedOffer,
} from "../model/index.ts";

/**
 * What an offer or a member allows, field by field, in one form for both lanes. Each field has an order from strict
 * to loose, so that two sets of rules have a meet: of each field the stricter.
 */
export interface Rules {
  /** Index in GRANULARITIES: higher is coarser is stricter. */
  readonly granularity: number;
  readonly window: Span;
  readonly retentionDays: number;
  readonly leastMembers: number;
  readonly largestSharePercent: number;
  readonly clamp: number;
  readonly round: number;
  /** "exact" is looser than any epsilon. */
  readonly epsilon: Rational | "exact";
}

/** The own account is a group of one that shows its whole figure. */
const EXACT = {
  leastMembers: 1,
  largestSharePercent: 100,
  clamp: Number.MAX_SAFE_INTEGER,
  round: 1,
  epsilon: "exact",
} as const;

export function rulesOf(offer: VotedOffer): Rules {
  const granularity = GRANULARITIES.indexOf(offer.granularity);
  const { window, retentionDays } = offer;
  if (offer.lane === "ownAccount") return { granularity, window, retentionDays, ...EXACT };
  const { group, clamp, round, noise } = offer;
  return { granularity, window, retentionDays, ...group, clamp, round, epsilon: noise?.epsilon ?? "exact" };
}

const stricterEpsilon = (a: Rules["epsilon"], b: Rules["epsilon"]): Rules["epsilon"] => {
  if (a === "exact") return b;
  if (b === "exact") return a;
  return compareRationals(a, b) <= 0 ? a : b;
};

/** Of each field the stricter. Idempotent, commutative, associative. */
export function meet(a: Rules, b: Rules): Rules {
  return {
    granularity: Math.max(a.granularity, b.granularity),
    window: {
      from: a.window.from >= b.window.from ? a.window.from : b.window.from,
      to: a.window.to <= b.window.to ? a.window.to : b.window.to,
    },
    retentionDays: Math.min(a.retentionDays, b.retentionDays),
    leastMembers: Math.max(a.leastMembers, b.leastMembers),
    largestSharePercent: Math.min(a.largestSharePercent, b.largestSharePercent),
    clamp: Math.min(a.clamp, b.clamp),
    round: Math.max(a.round, b.round),
    epsilon: stricterEpsilon(a.epsilon, b.epsilon),
  };
}

/** The offer's rules where the member set no limit, and otherwise the stricter of the two. */
export function rulesFor(offer: Rules, limits: ConsentLimits): Rules {
  const { granularity, ...rest } = limits;
  return meet(offer, {
    ...offer,
    ...rest,
    ...(granularity !== undefined && { granularity: GRANULARITIES.indexOf(granularity) }),
  });
}

/**
 * True where the product as offered, for this window, is within the member's own rules. How many members they want
 * beside them is not asked here: that is for the group to say.
 */
export function allows(own: Rules, offer: Rules, window: Span): boolean {
  return (
    window.from >= own.window.from &&
    window.to <= own.window.to &&
    own.granularity === offer.granularity &&
    own.retentionDays === offer.retentionDays &&
    own.largestSharePercent === offer.largestSharePercent &&
    own.clamp === offer.clamp &&
    own.round === offer.round &&
    sameEpsilon(own.epsilon, offer.epsilon)
  );
}

const sameEpsilon = (a: Rules["epsilon"], b: Rules["epsilon"]): boolean =>
  a === "exact" || b === "exact" ? a === b : compareRationals(a, b) === 0;
