import { html } from "hono/html";
import { memberId, type ConsentLimits, type Instant, type VotedOffer } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { erasureWords } from "./erasure-messages.ts";
import { fill } from "./format.ts";
import { purposeWords } from "./messages.ts";
import { exampleOf } from "./sharing-example.ts";
import { guardiansCard } from "./sharing-guardians.ts";
import { becauseWords, leftWords } from "./sharing-left-messages.ts";
import { groupInWords, limitFields, limitsInWords } from "./sharing-limits.ts";
import { limitWords } from "./sharing-limits-messages.ts";
import { sharingWords, type SharingWords } from "./sharing-messages.ts";
import { inForce } from "../site/load.ts";
import { consentRecords, type ConsentRecord } from "../release/consents.ts";
import { offersOf, type OfferState } from "./shared.ts";

/** "What I share": each offer in plain language, a switch that asks first, and the way back at once. */
const DAY_MS = 86_400_000;
/** A yes ends by itself after so many days at the latest, unless it is given again. */
const CONSENT_DAYS = 365;
const CHOICES = [
  ["month1", 30],
  ["month3", 91],
  ["month6", 182],
  ["month12", CONSENT_DAYS],
] as const;
const RECEIPTS_SHOWN = 50;

/** What just happened, to be said once at the head of the page. */
export interface Done {
  readonly given?: string | undefined;
  readonly taken?: string | undefined;
  readonly waiting?: number;
}

export function sharingPage(
  c: PortalContext,
  portal: Portal,
  { done = {}, problem }: { readonly done?: Done; readonly problem?: string } = {},
): Response | Promise<Response> {
  const { store } = portal;
  const member = c.var.person.id;
  const speech = speechFor(c, portal);
  const w = sharingWords(speech.language);
  const offers = offersOf(portal, member);
  return showPage(c, portal, {
    title: w.title,
    styles: ["sharing.css"],
    body: html`
      <h1>${w.title}</h1>
      ${problem === undefined ? "" : html`<p class="notice problem" role="alert">${problem}</p>`}
      ${doneNotice(done, offers, speech)}
      <p class="soft">${offers.length === 0 ? w.none : w.hint}</p>
      ${offers.map((one) => offerCard(one, { portal, member, speech }))} ${takeAllCard(offers, w)}
      <section class="card" id="receipts">
        ${receiptList(consentRecords(store.read, memberId(member)), portal, speech)}
      </section>
      ${guardiansCard(portal, member, speech)}
      <p><a href="/left">${w.leftLink}</a></p>
      <p><a href="/forgetting">${erasureWords(speech.language).link}</a></p>
    `,
  });
}

function doneNotice(done: Done, offers: readonly OfferState[], { language, f }: Speech): Html {
  const w = sharingWords(language);
  const of = (id: string | undefined) => offers.find(({ offer }) => offer.id === id);
  const given = of(done.given);
  if (given?.shared && given.consent)
    return html`<div class="notice actions" role="status">
      <span>${fill(w.given, { title: given.offer.title, until: f.fullDate(given.consent.expires) })}</span>
      <form method="post" action="/offers/${given.offer.id}">
        <button class="plain" name="share" value="no">${w.undo}</button>
      </form>
    </div>`;
  if (done.taken === undefined) return html``;
  const title = of(done.taken)?.offer.title;
  const { waiting = 0 } = done;
  return html`<div class="notice" role="status">
    ${title === undefined ? w.takenAll : fill(w.taken, { title })}
    ${waiting > 0 ? fill(w.takenWaiting, { n: f.number(waiting) }) : ""}
  </div>`;
}

interface Around {
  readonly portal: Portal;
  readonly member: string;
  readonly speech: Speech;
}

function offerCard(state: OfferState, around: Around): Html {
  const { offer, shared, consent } = state;
  const { f, language } = around.speech;
  const w = sharingWords(language);
  return html`<section class="card" id="offer-${offer.id}">
    <div class="switch-row">
      <div>
        <h2>${offer.title}</h2>
        <p class="soft">${shared ? w.on : w.off}</p>
      </div>
      ${switchOf(state, around.speech)}
    </div>
    ${agreedNotice(state, around.speech)} ${termsOf(offer, around.speech)}
    ${
      shared && consent
        ? html`<dl class="terms">
            <dt>${w.since}</dt>
            <dd>${f.dateTime(consent.given)}</dd>
            <dt>${w.until}</dt>
            <dd>${fill(w.untilText, { until: f.fullDate(consent.expires) })}</dd>
            ${ownLimits(consent.limits, around.speech)}
          </dl>`
        : ""
    }
    ${exampleBlock(offer, around)}
  </section>`;
}

function ownLimits(limits: ConsentLimits, speech: Speech): Html {
  const words = limitsInWords(limits, speech);
  if (words.length === 0) return html``;
  return html`<dt>${limitWords(speech.language).own}</dt>
    <dd>${words.join("; ")}</dd>`;
}

/** What became of a yes under which nothing leaves now, and the way out of it. */
function agreedNotice(
  { offer, shared, because, agreed, askedAgain, consent }: OfferState,
  speech: Speech,
): Html {
  if (shared || !agreed || !consent || !because) return html``;
  const [w, l] = [sharingWords(speech.language), limitWords(speech.language)];
  const limits = limitsInWords(consent.limits, speech);
  const reason = becauseWords(because, leftWords(speech.language));
  const words = because === "limitStricter" ? l.limited : fill(l.notNow, { because: reason });
  return html`<div class="notice">
    <p class="any">
      ${askedAgain ? w.askedAgain : words} ${limits.length > 0 ? `${l.own}: ${limits.join("; ")}.` : ""}
    </p>
    <form method="post" action="/offers/${offer.id}">
      <button class="plain" name="share" value="no">${l.takeBack}</button>
    </form>
  </div>`;
}

/** Yes asks first, on a page of its own; no is done at once. */
export function switchOf({ offer, shared }: OfferState, { t }: Speech): Html {
  const label = fill(shared ? t.switchOff : t.switchOn, { title: offer.title });
  return html`<form
    method="${shared ? "post" : "get"}"
    action="${shared ? `/offers/${offer.id}` : `/sharing/${offer.id}`}"
  >
    <button
      class="switch"
      role="switch"
      ${shared ? html`name="share" value="no"` : ""}
      aria-checked="${shared ? "true" : "false"}"
      aria-label="${label}"
    ></button>
  </form>`;
}

function whatWords({ lane, kind }: VotedOffer, { language }: Speech): string {
  if (lane === "ownAccount") return sharingWords(language)[kind];
  return limitWords(language)[kind === "farmDay" ? "farmSum" : "energySum"];
}

function termsOf(offer: VotedOffer, speech: Speech): Html {
  const { f, language } = speech;
  const w = sharingWords(language);
  const row = (label: string, value: string): Html =>
    html`<dt>${label}</dt>
      <dd>${value}</dd>`;
  return html`<dl class="terms">
    ${row(w.what, whatWords(offer, speech))}
    ${offer.lane === "collective" ? row(limitWords(language).together, groupInWords(offer, speech)) : ""}
    ${row(w.howFine, w[offer.granularity])} ${row(w.who, offer.recipient)}
    ${row(w.why, purposeWords(offer.purpose, language))}
    ${row(w.keeps, fill(w.keepsDays, { days: f.number(offer.retentionDays) }))}
  </dl>`;
}

function exampleBlock(offer: VotedOffer, { portal, member, speech }: Around): Html {
  const w = sharingWords(speech.language);
  const { text, own } = exampleOf(portal, { member, offer });
  return html`<details>
    <summary>${w.example}</summary>
    <p class="soft any">${own ? w.exampleOwn : w.exampleMade}</p>
    <pre>${text}</pre>
  </details>`;
}

const takeAllCard = (offers: readonly OfferState[], w: SharingWords): Html =>
  offers.some(({ agreed }) => agreed)
    ? html`<section class="card">
        <p class="soft">${w.takeAllHint}</p>
        <form method="post" action="/sharing/withdraw"><button>${w.takeAll}</button></form>
      </section>`
    : html``;

function receiptList(records: readonly ConsentRecord[], { policy, clock }: Portal, speech: Speech): Html {
  const { f, language } = speech;
  const w = sharingWords(language);
  if (records.length === 0) return html`<h2>${w.receipts}</h2>`;
  const row = ({ id, offer, given, expires, withdrawn }: ConsentRecord): Html => {
    const title = inForce(policy)?.offers.find((one) => one.id === offer)?.title ?? offer;
    const end = withdrawn ?? expires;
    const ended = end <= clock.now();
    const words = fill(ended ? w.receiptEnded : w.receiptUntil, { end: f.fullDate(end) });
    return html`<li>
      <a href="/receipts/${id}">${fill(w.receiptOf, { title, given: f.dateTime(given) })}</a>
      <small>${words}</small>
    </li>`;
  };
  return html`<h2>${w.receipts}</h2>
    <p class="soft">${w.receiptsHint}</p>
    <ul class="entries">
      ${records.toReversed().slice(0, RECEIPTS_SHOWN).map(row)}
    </ul>`;
}

/** Asks before a yes: what it is about once more, and for how long. Nothing is chosen but the length. */
export function confirmPage(c: PortalContext, portal: Portal): Response | Promise<Response> {
  const { clock } = portal;
  const policy = inForce(portal.policy);
  const offer = policy?.offers.find(({ id }) => id === c.req.param("id"));
  if (!policy || !offer) return c.redirect("/sharing", 303);
  const speech = speechFor(c, portal);
  const w = sharingWords(speech.language);
  const around = { portal, member: c.var.person.id, speech };
  return showPage(c, portal, {
    title: w.askTitle,
    styles: ["sharing.css"],
    body: html`<section class="card">
      <h1>${w.askTitle}</h1>
      <h2>${offer.title}</h2>
      ${termsOf(offer, speech)} ${exampleBlock(offer, around)}
      <form method="post" action="/offers/${offer.id}">
        <input type="hidden" name="policyVersion" value="${policy.version}" />
        <label for="days">${w.howLong}</label>
        <select id="days" name="days">
          ${lengthsOf(offer, clock.now()).map(
            ([name, days], i, all) =>
              html`<option value="${days}" ${i === all.length - 1 ? html`selected` : ""}>
                ${fill(w[name], { days: speech.f.number(days) })}
              </option>`,
          )}
        </select>
        ${limitFields(offer, speech)}
        <p class="actions">
          <button name="share" value="yes">${w.yes}</button>
          <a href="/sharing">${w.no}</a>
        </p>
      </form>
    </section>`,
  });
}

/** How long a yes may be given for: a year, or until the offer ends where that is sooner. Days. */
export const longestDays = ({ expires }: VotedOffer, now: Instant): number =>
  Math.max(0, Math.min(CONSENT_DAYS, Math.floor((expires - now) / DAY_MS)));

function lengthsOf(offer: VotedOffer, now: Instant): readonly (readonly [keyof SharingWords, number])[] {
  const most = longestDays(offer, now);
  const fitting = CHOICES.filter(([, days]) => days <= most);
  return most < CONSENT_DAYS ? [...fitting, ["wholeOffer", most] as const] : fitting;
}
