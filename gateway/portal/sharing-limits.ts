import { html } from "hono/html";
import {
  dayStart,
  GRANULARITIES,
  nextDay,
  type CollectiveOffer,
  type ConsentLimits,
  type Day,
  type Granularity,
  type VotedOffer,
} from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import type { Speech } from "./context.ts";
import { fill } from "./format.ts";
import { limitWords } from "./sharing-limits-messages.ts";
import { sharingWords } from "./sharing-messages.ts";

/** A member's own limits: asked for, read and said again. Nothing is preset; whatever is left alone is as the offer says. */
const RETENTIONS = [7, 30, 90, 180, 365] as const;
const GROUPS = [10, 15, 20, 30, 50, 100] as const;

type Choice = readonly [value: string, words: string];

export function limitFields(offer: VotedOffer, { language, f }: Speech): Html {
  const [w, s] = [limitWords(language), sharingWords(language)];
  const coarser = GRANULARITIES.slice(GRANULARITIES.indexOf(offer.granularity) + 1);
  const shorter = RETENTIONS.filter((days) => days < offer.retentionDays);
  const least = offer.lane === "collective" ? offer.group.leastMembers : Infinity;
  const days = (n: number): Choice => [String(n), fill(w.retentionDays, { days: f.number(n) })];
  const homes = (n: number): Choice => [String(n), fill(w.groupOf, { n: f.number(n) })];
  const select = (name: string, label: string, choices: readonly Choice[]): Html =>
    choices.length === 0
      ? html``
      : html`<label for="${name}">${label}</label>
          <select id="${name}" name="${name}">
            <option value="">${w.asOffered}</option>
            ${choices.map(([value, words]) => html`<option value="${value}">${words}</option>`)}
          </select>`;
  const date = (name: string, label: string): Html =>
    html`<label for="${name}">${label}</label> <input type="date" id="${name}" name="${name}" />`;
  return html`<details>
    <summary>${w.stricter}</summary>
    <p class="soft any">${w.stricterHint}</p>
    ${select("leastMembers", w.group, GROUPS.filter((n) => n > least).map(homes))}
    ${select(
      "granularity",
      w.granularity,
      coarser.map((one) => [one, s[one]]),
    )}
    ${select("retentionDays", w.retention, shorter.map(days))} ${date("from", w.from)} ${date("to", w.to)}
  </details>`;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** Farther than any offer reaches. */
const [EARLIEST, LATEST] = ["1970-01-02" as Day, "2999-12-31" as Day];

/**
 * The limits of a posted form; what was left alone sets none.
 * @returns undefined where a field is not of the form
 */
export function limitsFrom(form: Readonly<Record<string, unknown>>, zone: string): ConsentLimits | undefined {
  const text = (name: string): string => (typeof form[name] === "string" ? form[name] : "");
  const whole = (name: string): number | undefined => (text(name) === "" ? undefined : Number(text(name)));
  const granularity = text("granularity") === "" ? undefined : (text("granularity") as Granularity);
  const [retentionDays, leastMembers] = [whole("retentionDays"), whole("leastMembers")];
  const [from, to] = [text("from"), text("to")];
  const numbers = [retentionDays, leastMembers].every(
    (n) => n === undefined || (Number.isInteger(n) && n > 0),
  );
  const days = [from, to].every((day) => day === "" || (DAY.test(day) && !Number.isNaN(Date.parse(day))));
  if (!numbers || !days || (granularity && !GRANULARITIES.includes(granularity))) return undefined;
  const window = {
    from: dayStart((from || EARLIEST) as Day, zone),
    to: dayStart(nextDay((to || LATEST) as Day), zone),
  };
  if (window.from >= window.to) return undefined;
  return {
    ...(granularity && { granularity }),
    ...(retentionDays !== undefined && { retentionDays }),
    ...(leastMembers !== undefined && { leastMembers }),
    ...((from || to) && { window }),
  };
}

/** Each limit in plain words. */
export function limitsInWords(limits: ConsentLimits, { language, f }: Speech): readonly string[] {
  const [w, s] = [limitWords(language), sharingWords(language)];
  const { granularity, retentionDays, leastMembers, window, ...others } = limits;
  return [
    ...(granularity ? [fill(w.noneFiner, { fine: s[granularity] })] : []),
    ...(retentionDays === undefined ? [] : [fill(w.keptAtMost, { days: f.number(retentionDays) })]),
    ...(leastMembers === undefined ? [] : [fill(w.groupAtLeast, { n: f.number(leastMembers) })]),
    ...(window ? [fill(w.about, { from: f.fullDate(window.from), to: f.fullDate(window.to) })] : []),
    ...(Object.keys(others).length > 0 ? [w.more] : []),
  ];
}

/** How many must be together, for an offer of the collective lane. */
export function groupInWords(
  { group, clamp, unit, noise }: CollectiveOffer,
  { language, f }: Speech,
): string {
  const w = limitWords(language);
  return fill(noise ? w.groupNoise : w.groupRule, {
    n: f.number(group.leastMembers),
    share: group.largestSharePercent,
    clamp: `${f.number(clamp)} ${unit}`,
  });
}
