import { html } from "hono/html";
import { labelOf, type Change, type Effect } from "../../domain/consent/compare.ts";
import { instant, type VotedOffer, type VotedPolicy } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import type { Speech } from "./context.ts";
import { fill } from "./format.ts";
import { changeWords } from "./governance-change-messages.ts";
import { governanceWords, type GovernanceWords } from "./governance-messages.ts";
import { purposeWords } from "./messages.ts";
import { sharingWords } from "./sharing-messages.ts";

/** What a policy changes, in the words of somebody who votes. */
const LABELS: Readonly<Record<Effect, keyof GovernanceWords>> = {
  same: "labelSame",
  tighten: "labelTighten",
  loosen: "labelLoosen",
  mixed: "labelMixed",
};
const EFFECTS: Readonly<Record<Effect, keyof GovernanceWords>> = {
  same: "effectSame",
  tighten: "effectTighten",
  loosen: "effectLoosen",
  mixed: "effectMixed",
};

export const labelWords = (label: Effect, w: GovernanceWords): string => w[LABELS[label]];

/** The label, and every change on a line of its own; a new offer with all its terms. */
export function changesBlock(changes: readonly Change[], policy: VotedPolicy, speech: Speech): Html {
  const w = governanceWords(speech.language);
  const label = labelOf(changes);
  return html`<p class="label ${label}">${labelWords(label, w)}</p>
    ${changes.length === 0 ? html`<p class="soft">${w.nothingChanges}</p>` : ""}
    <ul class="entries">
      ${changes.map((change) => changeItem(change, policy, speech))}
    </ul>`;
}

function changeItem(change: Change, policy: VotedPolicy, speech: Speech): Html {
  const w = governanceWords(speech.language);
  const offer = policy.offers.find(({ id }) => id === change.of);
  const isNew = change.field === "offer" && change.after !== undefined;
  return html`<li class="any">
    ${changeText(change, offer?.title, speech)} <small>(${w[EFFECTS[change.effect]]})</small>
    ${isNew && offer ? offerTerms(offer, speech) : ""}
  </li>`;
}

/** "Trade my energy: how many days they may keep it: from 365 to 700". */
export function changeText(
  { of, field, before, after }: Change,
  title: string | undefined,
  speech: Speech,
): string {
  const w = governanceWords(speech.language);
  if (field === "offer")
    return after === undefined
      ? fill(w.goneOffer, { title: before ?? of })
      : fill(w.newOffer, { title: after });
  const c = changeWords(speech.language);
  const name = field in c ? c[field as keyof typeof c] : field;
  const what = title === undefined ? name : `${title}: ${name}`;
  const said = (text: string): string => valueText(text, { field, speech });
  if (before === undefined) return fill(w.isNew, { what, after: said(after ?? "") });
  if (after === undefined) return fill(w.isGone, { what, before: said(before) });
  return fill(w.fromTo, { what, before: said(before), after: said(after) });
}

const ISO = /\d{4}-\d{2}-\d{2}T[\d:.]+Z/g;

/** A value of a change as people say it: dates, purposes and words of the schema; numbers stay as they are. */
function valueText(
  text: string,
  { field, speech }: { readonly field: string; readonly speech: Speech },
): string {
  const { f, language } = speech;
  const [c, s] = [changeWords(language), sharingWords(language)];
  if (field === "window") {
    const [from, to] = text.split(" to ").map((one) => f.fullDate(instant(Date.parse(one))));
    return `${from} ${c.to} ${to}`;
  }
  if (field === "expires") return text.replace(ISO, (one) => f.fullDate(instant(Date.parse(one))));
  if (field === "prohibition") return text.split(", ").map(forbiddenPart(speech)).join(", ");
  if (field === "purpose") return purposeWords(text, language);
  if (field === "granularity" || field === "kind") return s[text as keyof typeof s];
  if (field === "lane" || field === "recipientKnowsTotal") return c[text as keyof typeof c];
  return text;
}

/** "purpose dpv:Marketing", one part of what is forbidden together. */
const forbiddenPart =
  ({ language }: Speech) =>
  (part: string): string => {
    const [what = "", ...rest] = part.split(" ");
    const [value, s] = [rest.join(" "), sharingWords(language)];
    if (what === "purpose") return purposeWords(value, language);
    return what === "kind" ? s[value as keyof typeof s] : value;
  };

/** An offer as it stands in a proposal. */
export function offerTerms(offer: VotedOffer, { f, language }: Speech): Html {
  const [s, c] = [sharingWords(language), changeWords(language)];
  const row = (label: string, value: string): Html =>
    html`<dt>${label}</dt>
      <dd>${value}</dd>`;
  return html`<dl class="terms">
    ${row(s.what, offer.lane === "ownAccount" ? s[offer.kind] : `${c.collective}: ${s[offer.kind]}`)}
    ${row(s.howFine, s[offer.granularity])}
    ${offer.lane === "collective" ? row(c.leastMembers, f.number(offer.group.leastMembers)) : ""}
    ${offer.lane === "collective" ? row(c.largestSharePercent, f.number(offer.group.largestSharePercent)) : ""}
    ${row(s.who, offer.recipient)} ${row(s.why, purposeWords(offer.purpose, language))}
    ${row(s.keeps, fill(s.keepsDays, { days: f.number(offer.retentionDays) }))}
    ${row(c.expires, f.fullDate(offer.expires))}
  </dl>`;
}

export const wholePolicy = ({ offers }: VotedPolicy, speech: Speech): Html =>
  html`${offers.map(
    (offer) =>
      html`<h3>${offer.title}</h3>
        ${offerTerms(offer, speech)}`,
  )}`;
