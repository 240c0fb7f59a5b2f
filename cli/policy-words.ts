import type { Change } from "../domain/consent/compare.ts";
import {
  rationalToText,
  REASONS,
  toIso,
  type CollectiveOffer,
  type Instant,
  type Prohibition,
  type VotedOffer,
  type VotedPolicy,
} from "../domain/model/index.ts";
import type { CaseAnswer } from "../protocol/policy-case.ts";

/** A policy, a change and a decision in the words of somebody who votes, not of somebody who programs. */
const date = (time: Instant): string => toIso(time).slice(0, 16).replace("T", " ");
const number = (value: number): string => value.toLocaleString("en");

const GRANULARITY_WORDS = {
  quarterHour: "quarter hour",
  hour: "hour",
  day: "day",
  week: "week",
  month: "month",
} as const;

const KIND_WORDS = { energyInterval: "energy", farmDay: "weather and fields" } as const;

/** The whole policy, one paragraph an offer. */
export function policyInWords(policy: VotedPolicy): string {
  const nothing = policy.offers.length === 0 ? ["It offers nothing: nothing leaves."] : [];
  const offers = policy.offers.map(offerInWords);
  return [headOf(policy), ...nothing, ...offers, ...prohibitionsOf(policy)].join("\n\n");
}

function headOf(policy: VotedPolicy): string {
  const { version, hash, previous, effective, sunset, epsilonCaps } = policy;
  return [
    `Policy version ${version}, in force from ${date(effective)} until ${date(sunset)} UTC.`,
    `Hash ${hash}`,
    previous === null ? "It is the first." : `It follows ${previous}`,
    ...(epsilonCaps
      ? [
          `Each member may spend epsilon ${rationalToText(epsilonCaps.eachPurposeAndRecipient)} with one recipient for one purpose, ${rationalToText(epsilonCaps.inAll)} in all.`,
        ]
      : []),
  ].join("\n");
}

const paragraph = (title: string, lines: readonly string[]): string =>
  [title, ...lines.map((line) => `  ${line}`)].join("\n");

function offerInWords(offer: VotedOffer): string {
  const { id, title, kind, granularity, unit, window, recipient, recipientKey, purpose } = offer;
  const step = GRANULARITY_WORDS[granularity];
  const what =
    offer.lane === "ownAccount"
      ? [
          `What: one member's exact figure of ${KIND_WORDS[kind]} each ${step}, in ${unit}, under a name that changes.`,
        ]
      : [
          `What: one sum of ${KIND_WORDS[kind]} over a group each ${step}, in ${unit}.`,
          ...groupInWords(offer),
        ];
  return paragraph(`${id}: ${title}`, [
    ...what,
    `About: ${date(window.from)} to ${date(window.to)} UTC.`,
    `Who gets it: ${recipient} (key ${recipientKey}), for ${purpose}. They may keep it ${number(offer.retentionDays)} days.`,
    `Ends: ${date(offer.expires)} UTC.`,
  ]);
}

function groupInWords({ group, clamp, round, unit, noise, recipientKnowsTotal }: CollectiveOffer): string[] {
  const total = `The recipient also knows the sum over everyone: nobody or at least ${group.leastMembers} are left out of it.`;
  const share = `, and none makes more than ${group.largestSharePercent} % of it`;
  return [
    `Group: at least ${group.leastMembers} members${noise ? "" : share}. Each counts up to ${number(clamp)} ${unit}.`,
    ...(recipientKnowsTotal ? [total] : []),
    noise
      ? `Noise: epsilon ${rationalToText(noise.epsilon)}, then rounded to ${number(round)} ${unit}.`
      : `Exact, rounded to ${number(round)} ${unit}.`,
  ];
}

function prohibitionsOf({ prohibitions }: VotedPolicy): string[] {
  if (prohibitions.length === 0) return [];
  return [paragraph("Prohibited, whatever an offer says:", prohibitions.map(prohibitionInWords))];
}

const prohibitionInWords = ({ kind, recipient, purpose }: Prohibition): string =>
  [
    kind === undefined ? "everything" : KIND_WORDS[kind],
    ...(recipient === undefined ? [] : [`to ${recipient}`]),
    ...(purpose === undefined ? [] : [`for ${purpose}`]),
  ].join(" ");

/** "weekly-sum, leastMembers: from 15 to 20 (tighten)". */
export function changeInWords({ of, field, effect, before, after }: Change): string {
  const moved =
    before === undefined
      ? `new: ${after}`
      : after === undefined
        ? `gone: ${before}`
        : `from ${before} to ${after}`;
  return `${of}, ${field}: ${moved} (${effect})`;
}

export const answerInWords = (answer: CaseAnswer): string =>
  answer.kind === "deny"
    ? `deny: ${REASONS[answer.because]} (${answer.because})`
    : `release: ${answer.value}, of ${answer.members.join(", ")}`;
