import { z } from "zod";
import {
  GRANULARITIES,
  instant,
  memberId,
  rationalFromText,
  rationalToText,
  RELEASE_UNITS,
  type CollectiveOffer,
  type ConsentLimits,
  type GuardianMandate,
  type OfferId,
  type OwnAccountOffer,
  type PinnedConsent,
  type Prohibition,
  type Rational,
  type VotedOffer,
  type VotedPolicy,
} from "../domain/model/index.ts";
import { termFault } from "../domain/consent/chain.ts";
import { canonicalJson } from "./canonical.ts";
import { sha256Hex } from "./keys.ts";

/**
 * A voted policy and the consents to it, as they are written and travel: docs/policy-cases.md is their description.
 * Every object is strict: a field that nobody knows could be a limit that nobody keeps.
 */
const OFFERS_MAX = 100;
const PROHIBITIONS_MAX = 100;
const DAYS_MAX = 3660;
/** Far above any village's figure, so that ten thousand clamped values sum to a safe integer, also doubled. */
export const CLAMP_MAX = 100_000_000_000;
export const GROUP_MAX = 10_000;

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/;
const isRealDate = (text: string): boolean => {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 16));
};

/** Whole milliseconds since 1970-01-01T00:00Z, or ISO 8601 in UTC, for example 2026-06-15T12:00:00Z. */
export const timeText = z
  .union([
    z.int().min(0).max(8_640_000_000_000_000),
    z
      .string()
      .regex(ISO)
      .refine(isRealDate)
      .transform((text) => Date.parse(text)),
  ])
  .transform(instant);

export const span = z
  .strictObject({ from: timeText, to: timeText })
  .refine(({ from, to }) => from < to, "it ends before it begins");

const offerId = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/)
  .transform((id) => id as OfferId);
export const memberName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
  .transform(memberId);
const name = z.string().min(1).max(64);
const purpose = z
  .string()
  .regex(
    /^dpv:[A-Z][A-Za-z]{0,62}$/,
    "use a purpose of the W3C Data Privacy Vocabulary, for example dpv:ServiceProvision",
  );
const kind = z.enum(["energyInterval", "farmDay"]);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const retentionDays = z.int().min(1).max(DAYS_MAX);
const leastMembers = z.int().min(2).max(GROUP_MAX);
const percent = z.int().min(1).max(100);
const wholeUnits = z.int().min(1).max(CLAMP_MAX);
/** At most six digits above and below the line, so that no sum of them grows out of hand. */
const epsilon = z
  .string()
  .regex(/^(?!0+(\/|$))\d{1,6}(\/(?!0+$)\d{1,6})?$/, "write a fraction above 0, for example 1/2")
  .transform(rationalFromText);

const terms = {
  id: offerId,
  title: z.string().min(1).max(120),
  kind,
  purpose,
  recipient: name,
  recipientKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  retentionDays,
  granularity: z.enum(GRANULARITIES),
  utcOffsetMinutes: z.int().min(-720).max(840).multipleOf(15).default(0),
  window: span,
  unit: z.enum(RELEASE_UNITS),
  expires: timeText,
};

const ownAccount = z.strictObject({ lane: z.literal("ownAccount"), ...terms });

/** 15 and 15 % for homes (New York's rule for publishing sums), 6 and 40 % for farms. */
const GROUP_DEFAULTS = {
  energyInterval: { leastMembers: 15, largestSharePercent: 15 },
  farmDay: { leastMembers: 6, largestSharePercent: 40 },
} as const;

/** Whole kilowatt-hours up to an hour, tens of them for more; other units have no step by default. */
const defaultRound = (granularity: VotedOffer["granularity"]): number =>
  granularity === "quarterHour" || granularity === "hour" ? 1_000 : 10_000;

const collective = z
  .strictObject({
    lane: z.literal("collective"),
    ...terms,
    group: z
      .strictObject({
        leastMembers: leastMembers.exactOptional(),
        largestSharePercent: percent.exactOptional(),
      })
      .default({}),
    recipientKnowsTotal: z.boolean(),
    clamp: wholeUnits,
    round: wholeUnits.exactOptional(),
    noise: z.strictObject({ epsilon }).exactOptional(),
  })
  .refine(({ unit, round }) => unit === "Wh" || round !== undefined, {
    message: "say to which step the sum is rounded",
    path: ["round"],
  })
  .transform(({ group, round, ...offer }): CollectiveOffer => {
    const rule = GROUP_DEFAULTS[offer.kind];
    return {
      ...offer,
      group: {
        leastMembers: group.leastMembers ?? rule.leastMembers,
        largestSharePercent: group.largestSharePercent ?? rule.largestSharePercent,
      },
      round: round ?? defaultRound(offer.granularity),
    };
  });

const offer: z.ZodType<OwnAccountOffer | CollectiveOffer> = z.discriminatedUnion("lane", [
  ownAccount,
  collective,
]);

const prohibition: z.ZodType<Prohibition> = z
  .strictObject({
    purpose: purpose.exactOptional(),
    recipient: name.exactOptional(),
    kind: kind.exactOptional(),
  })
  .refine((no) => Object.keys(no).length > 0, "say what is prohibited");

const policyBody = z
  .strictObject({
    version: z.int().min(1),
    previous: hash.nullable(),
    effective: timeText,
    sunset: timeText,
    offers: z.array(offer).max(OFFERS_MAX),
    prohibitions: z.array(prohibition).max(PROHIBITIONS_MAX).default([]),
    epsilonCaps: z.strictObject({ eachPurposeAndRecipient: epsilon, inAll: epsilon }).exactOptional(),
  })
  .check(({ value, issues }) => {
    const wrong = (message: string, ...path: string[]): void =>
      void issues.push({ code: "custom", message, path, input: value });
    const { version, previous, offers } = value;
    if (new Set(offers.map(({ id }) => id)).size !== offers.length) wrong("two offers have one id", "offers");
    if ((version === 1) !== (previous === null))
      wrong("version 1 has no previous one, and every later one names its hash", "previous");
    const fault = termFault(value);
    if (fault === "termEmpty") wrong("it ends before it begins", "sunset");
    if (fault === "termTooLong") wrong("a policy ends after at most 366 days", "sunset");
  });

/** SHA-256 of the canonical JSON (RFC 8785) of a policy as it is written, before defaults: what consents pin. */
export const policyHash = (written: unknown): string => sha256Hex(canonicalJson(written));

/** A policy as written, with its hash. */
export const votedPolicy = z.unknown().transform((written, context): VotedPolicy => {
  const read = policyBody.safeParse(written);
  if (read.success) return { ...read.data, hash: policyHash(written) };
  for (const issue of read.error.issues)
    context.issues.push({ ...issue, input: written } as z.core.$ZodRawIssue);
  return z.NEVER;
});

/** A policy as it is kept: what `votedPolicy` read, whatever its defaults were, under the hash of what was written. */
export const policyToText = ({ hash: _, ...policy }: VotedPolicy): string =>
  JSON.stringify(policy, rationalsAsText);

/** @throws ZodError for what `policyToText` did not make */
export const policyFromText = (text: string, hash: string): VotedPolicy => ({
  ...policyBody.parse(JSON.parse(text)),
  hash,
});

/** An offer as JSON, in the form in which it is written in a policy. */
export const offerAsWritten = (offer: VotedOffer): WrittenOffer =>
  JSON.parse(JSON.stringify(offer, rationalsAsText)) as WrittenOffer;

type WrittenOffer = Omit<VotedOffer, "noise"> & { readonly noise?: { readonly epsilon: string } };

/** A rational is the only object here with a denominator, and bigints have no JSON. */
const rationalsAsText = (_name: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "denominator" in value
    ? rationalToText(value as Rational)
    : value;

export const limitsToText = (limits: ConsentLimits): string => JSON.stringify(limits, rationalsAsText);

/** @throws ZodError for what `limitsToText` did not make */
export const limitsFromText = (text: string): ConsentLimits =>
  text === "{}" ? {} : consentLimits.parse(JSON.parse(text));

/** The limits of a member, as they are written. */
export const consentLimits: z.ZodType<ConsentLimits> = z.strictObject({
  granularity: z.enum(GRANULARITIES).exactOptional(),
  window: span.exactOptional(),
  retentionDays: retentionDays.exactOptional(),
  leastMembers: leastMembers.exactOptional(),
  largestSharePercent: percent.exactOptional(),
  clamp: wholeUnits.exactOptional(),
  round: wholeUnits.exactOptional(),
  epsilon: epsilon.exactOptional(),
});

export const guardianMandate: z.ZodType<GuardianMandate> = z.strictObject({
  guardian: name,
  member: memberName,
  scope: z.union([z.literal("all"), z.array(offerId).max(OFFERS_MAX)]),
  from: timeText,
  until: timeText,
  revoked: z.strictObject({ at: timeText, by: z.enum(["member", "board"]) }).exactOptional(),
});

export const pinnedConsent: z.ZodType<PinnedConsent> = z.strictObject({
  member: memberName,
  offer: offerId,
  purpose,
  recipient: name,
  policyVersion: z.int().min(1),
  policyHash: hash,
  given: timeText,
  expires: timeText,
  withdrawn: timeText.exactOptional(),
  limits: consentLimits.default({}),
  guardian: guardianMandate.exactOptional(),
});
