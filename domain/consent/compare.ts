import {
  compareRationals,
  rationalToText,
  toIso,
  type CollectiveOffer,
  type EpsilonCaps,
  type Prohibition,
  type Rational,
  type Span,
  type VotedOffer,
  type VotedPolicy,
} from "../model/index.ts";

/**
 * What a new policy changes. "Tighten" is said only where it is certain that nobody's data leave who did not leave
 * before, with the same yes to the whole offer; every doubt is "mixed". So a coarser grid is mixed (its windows are
 * new), so is a lower clamp or new noise (a sum that one large home suppressed may now appear), and another recipient,
 * purpose or unit makes another offer. Version and term of the policy are not compared: they move with every vote.
 */
export type Effect = "same" | "tighten" | "loosen" | "mixed";

export interface Change {
  /** The id of an offer, "prohibitions" or "epsilonCaps". */
  readonly of: string;
  readonly field: string;
  readonly effect: Effect;
  /** Absent: it was not there before, or is not there any more. */
  readonly before?: string;
  readonly after?: string;
}

/** Every change from one policy to another, in the order of the offers. */
export function comparePolicies(before: VotedPolicy, after: VotedPolicy): readonly Change[] {
  const [old, next] = [byId(before), byId(after)];
  const gone = before.offers.filter(({ id }) => !next.has(id));
  const come = after.offers.filter(({ id }) => !old.has(id));
  const stayed = after.offers.flatMap((offer): [VotedOffer, VotedOffer][] => {
    const was = old.get(offer.id);
    return was ? [[was, offer]] : [];
  });
  return [
    ...gone.map(({ id, title }): Change => ({ of: id, field: "offer", effect: "tighten", before: title })),
    ...come.map(({ id, title }): Change => ({ of: id, field: "offer", effect: "loosen", after: title })),
    ...stayed.flatMap(([was, is]) => compareOffers(was, is)),
    ...compareProhibitions(before.prohibitions, after.prohibitions),
    ...compareCaps(before.epsilonCaps, after.epsilonCaps),
  ];
}

/** The label of all changes together. */
export function labelOf(changes: readonly Pick<Change, "effect">[]): Effect {
  const effects = new Set(changes.map(({ effect }) => effect).filter((effect) => effect !== "same"));
  const [first] = effects;
  if (first === undefined) return "same";
  return effects.size > 1 ? "mixed" : first;
}

const byId = ({ offers }: VotedPolicy): ReadonlyMap<string, VotedOffer> =>
  new Map(offers.map((offer) => [offer.id, offer]));

/** How one field moves, and how it reads. */
interface Field<T> {
  readonly name: string;
  readonly text: (offer: T) => string;
  /** Asked only where the texts differ. */
  readonly effect: (before: T, after: T) => Effect;
}

const always = (effect: Effect) => (): Effect => effect;
/** The stricter direction of a number. */
const lowerIsStricter =
  <T>(of: (offer: T) => number) =>
  (before: T, after: T): Effect =>
    of(after) <= of(before) ? "tighten" : "loosen";
const higherIsStricter =
  <T>(of: (offer: T) => number) =>
  (before: T, after: T): Effect =>
    of(after) >= of(before) ? "tighten" : "loosen";

const spanText = ({ from, to }: Span): string => `${toIso(from)} to ${toIso(to)}`;

function spanEffect(before: Span, after: Span): Effect {
  if (after.from >= before.from && after.to <= before.to) return "tighten";
  return after.from <= before.from && after.to >= before.to ? "loosen" : "mixed";
}

const named = (name: keyof VotedOffer & string, effect: Effect): Field<VotedOffer> => ({
  name,
  text: (offer) => String(offer[name]),
  effect: always(effect),
});

const FIELDS: readonly Field<VotedOffer>[] = [
  named("title", "same"),
  named("lane", "mixed"),
  named("kind", "mixed"),
  named("purpose", "mixed"),
  named("recipient", "mixed"),
  named("recipientKey", "mixed"),
  named("unit", "mixed"),
  named("granularity", "mixed"),
  named("utcOffsetMinutes", "mixed"),
  {
    name: "window",
    text: ({ window }) => spanText(window),
    effect: (a, b) => spanEffect(a.window, b.window),
  },
  {
    name: "retentionDays",
    text: ({ retentionDays }) => String(retentionDays),
    effect: lowerIsStricter((offer) => offer.retentionDays),
  },
  {
    name: "expires",
    text: ({ expires }) => toIso(expires),
    effect: lowerIsStricter((offer) => offer.expires),
  },
];

const COLLECTIVE_FIELDS: readonly Field<CollectiveOffer>[] = [
  {
    name: "leastMembers",
    text: ({ group }) => String(group.leastMembers),
    effect: higherIsStricter(({ group }) => group.leastMembers),
  },
  {
    name: "largestSharePercent",
    text: ({ group }) => String(group.largestSharePercent),
    effect: lowerIsStricter(({ group }) => group.largestSharePercent),
  },
  {
    name: "recipientKnowsTotal",
    text: ({ recipientKnowsTotal }) => String(recipientKnowsTotal),
    effect: higherIsStricter(({ recipientKnowsTotal }) => Number(recipientKnowsTotal)),
  },
  {
    name: "clamp",
    text: ({ clamp }) => String(clamp),
    effect: (before, after) => (after.clamp > before.clamp ? "loosen" : "mixed"),
  },
  { name: "round", text: ({ round }) => String(round), effect: (a, b) => roundEffect(a.round, b.round) },
  {
    name: "noise",
    text: ({ noise }) => (noise ? `epsilon ${rationalToText(noise.epsilon)}` : "exact"),
    effect: (before, after) => noiseEffect(before.noise?.epsilon, after.noise?.epsilon),
  },
];

/** Only a multiple of the old step is a coarser view of the same figure. */
const roundEffect = (before: number, after: number): Effect => {
  if (after < before) return "loosen";
  return after % before === 0 ? "tighten" : "mixed";
};

function noiseEffect(before: Rational | undefined, after: Rational | undefined): Effect {
  if (after === undefined) return "loosen";
  if (before === undefined) return "mixed";
  return compareRationals(after, before) <= 0 ? "tighten" : "loosen";
}

/** What changes from an offer to the one that takes its place. */
export function compareOffers(before: VotedOffer, after: VotedOffer): Change[] {
  const changes = changesOf(FIELDS, before, after);
  if (before.lane !== "collective" || after.lane !== "collective") return changes;
  return [...changes, ...changesOf(COLLECTIVE_FIELDS, before, after)];
}

const changesOf = <T extends VotedOffer>(fields: readonly Field<T>[], before: T, after: T): Change[] =>
  fields.flatMap(({ name, text, effect }) => {
    const [was, is] = [text(before), text(after)];
    return was === is
      ? []
      : [{ of: after.id, field: name, effect: effect(before, after), before: was, after: is }];
  });

/** For example "purpose dpv:Marketing, kind farmDay". */
const prohibitionText = ({ purpose, recipient, kind }: Prohibition): string =>
  Object.entries({ purpose, recipient, kind })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))
    .join(", ");

function compareProhibitions(before: readonly Prohibition[], after: readonly Prohibition[]): Change[] {
  const [old, next] = [new Set(before.map(prohibitionText)), new Set(after.map(prohibitionText))];
  const change = { of: "prohibitions", field: "prohibition" };
  return [
    ...[...next.difference(old)].map((text): Change => ({ ...change, effect: "tighten", after: text })),
    ...[...old.difference(next)].map((text): Change => ({ ...change, effect: "loosen", before: text })),
  ];
}

export function compareCaps(before: EpsilonCaps | undefined, after: EpsilonCaps | undefined): Change[] {
  return (["eachPurposeAndRecipient", "inAll"] as const).flatMap((field): Change[] => {
    const [was, is] = [before?.[field], after?.[field]];
    const texts = { ...(was && { before: rationalToText(was) }), ...(is && { after: rationalToText(is) }) };
    if (texts.before === texts.after) return [];
    const stricter = is === undefined || (was !== undefined && compareRationals(is, was) < 0);
    return [{ of: "epsilonCaps", field, effect: stricter ? "tighten" : "loosen", ...texts }];
  });
}
