import { html } from "hono/html";
import { addMs, dayOf, instant } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import type { ErasurePart } from "../../protocol/erasure.ts";
import { askedFor, type Asked } from "../erasure/asked.ts";
import { ERASURE_DAYS } from "../erasure/days.ts";
import { wishes, type Forgotten } from "../erasure/forgetting.ts";
import { STREAM_CLASSES } from "../record/retention/classes.ts";
import { inForce } from "../site/load.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { erasureWords } from "./erasure-messages.ts";
import { fill } from "./format.ts";

/** "Forgetting": what others were asked to delete and what they signed, and what is held here. */
const ASKED_SHOWN = 50;
const DAY_MS = 86_400_000;

export function forgettingPage(c: PortalContext, portal: Portal): Response | Promise<Response> {
  const speech = speechFor(c, portal);
  const w = erasureWords(speech.language);
  const member = c.var.person.id;
  const asked = askedFor(portal.store.read, { member, limit: ASKED_SHOWN });
  const past = wishes(portal.store.read, member);
  return showPage(c, portal, {
    title: w.title,
    styles: ["sharing.css"],
    body: html`
      <h1>${w.title}</h1>
      ${c.req.query("asked") === undefined ? "" : html`<p class="notice" role="status">${w.ordered}</p>`}
      <section class="card" id="there">
        <h2>${w.thereTitle}</h2>
        <p class="soft">${asked.length === 0 ? w.thereNone : w.thereHint}</p>
        ${asked.map((one) => askedRow(one, portal, speech))}
      </section>
      <section class="card" id="here">
        <h2>${w.hereTitle}</h2>
        <p>${w.hereHint}</p>
        <p class="soft">${keptWords(portal, speech)}</p>
        ${past.length === 0 ? "" : html`<h3>${w.past}</h3>`} ${past.map((one) => wishLine(one, speech))}
        <p class="actions"><a class="button plain" href="/forgetting/home">${w.start}</a></p>
      </section>
    `,
  });
}

export const answerDays = ({ site }: Portal): number => site.hub?.erasureDays ?? ERASURE_DAYS;

function askedRow(asked: Asked, portal: Portal, speech: Speech): Html {
  const { language, f } = speech;
  const w = erasureWords(language);
  const title = inForce(portal.policy)?.offers.find(({ id }) => id === asked.offer)?.title ?? asked.offer;
  const n = f.number(asked.request.releases.length);
  return html`<div class="row any">
    <h3>${fill(w.askedOf, { recipient: asked.recipient, title })}</h3>
    <p>${fill(w.asked, { time: f.dateTime(asked.asked), n })}</p>
    ${asked.answered ? answerText(asked, speech) : waitingText(asked, portal, speech)}
  </div>`;
}

function waitingText({ asked }: Asked, portal: Portal, { language, f }: Speech): Html {
  const w = erasureWords(language);
  const days = answerDays(portal);
  const end = addMs(asked, days * DAY_MS);
  return portal.clock.now() < end
    ? html`<p class="soft">${fill(w.waiting, { date: f.fullDate(end) })}</p>`
    : html`<p class="bad">${fill(w.suspended, { days: f.number(days) })}</p>`;
}

function answerText({ id, answered }: Asked, { language, f }: Speech): Html {
  if (!answered) return html``;
  const w = erasureWords(language);
  const { answer } = answered;
  const words = ({ outcome, releases, until = 0 }: ErasurePart): string =>
    fill(w[outcome], { n: f.number(releases.length), until: f.fullDate(instant(until)) });
  const clean = {
    date: f.fullDate(instant(answer.filesCleanBy)),
    backup: f.fullDate(instant(answer.backupsCleanBy)),
  };
  return html`<p>${fill(w.answered, { time: f.dateTime(answer.answered) })}</p>
    <ul>
      ${answer.parts.map((part) => html`<li>${words(part)}</li>`)}
    </ul>
    <p class="soft">${fill(w.filesClean, clean)}</p>
    <p><a href="/api/erasures/${id}/paper" download>${w.paper}</a></p>`;
}

/** How long readings stay, as the site file says. */
function keptWords({ site }: Portal, { language, f }: Speech): string {
  const w = erasureWords(language);
  const { retention } = site.record;
  const named = STREAM_CLASSES.flatMap((name) => {
    const ms = retention[name];
    return ms === undefined ? [] : [fill(w.keptDays, { name: w[name], days: f.number(ms / DAY_MS) })];
  });
  if (named.length === 0) return w.keptEver;
  const all = named.length === STREAM_CLASSES.length ? named : [...named, w.keptOther];
  return fill(w.keptFor, { classes: all.join(", ") });
}

function wishLine({ asked, deleted, cleaned, gone }: Forgotten, { language, f }: Speech): Html {
  const w = erasureWords(language);
  if (deleted === undefined || !gone) return html`<p>${fill(w.pending, { time: f.dateTime(asked) })}</p>`;
  if (cleaned === undefined) return html`<p>${fill(w.notClean, { time: f.dateTime(deleted) })}</p>`;
  const counts = {
    readings: f.number(gone.readings),
    quarterHours: f.number(gone.quarterHours),
    summaries: f.number(gone.summaries),
  };
  return html`<p>${fill(w.done, { time: f.dateTime(deleted), cleaned: f.dateTime(cleaned), ...counts })}</p>`;
}

/** For the file's name. */
export const dayOfAnswer = (portal: Portal, time: number): string =>
  dayOf(instant(time), portal.site.timeZone);
