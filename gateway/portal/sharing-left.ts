import { html } from "hono/html";
import { dayOf, dayStart, previousDay, type Day } from "../../domain/model/index.ts";
import { verifierKeyToText } from "../../protocol/note.ts";
import type { Html, Language } from "../../platform/web/index.ts";
import { headOver, leafOfRelease } from "../release/egress-log.ts";
import { inForce } from "../site/load.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { fill, type Format } from "./format.ts";
import { proofKeysOf } from "./proof-keys.ts";
import { becauseWords, leftWords, type LeftWords } from "./sharing-left-messages.ts";
import { leftInMonth, leftOn, type DayCount, type Left } from "./shared.ts";

/** "What left": a calendar of the month, and every release of one day with its bytes and its proof. */
const SHOWN_MAX = 100;

export function leftPage(c: PortalContext, portal: Portal): Response | Promise<Response> {
  const { site, store, clock } = portal;
  const speech = speechFor(c, portal);
  const w = leftWords(speech.language);
  const member = c.var.person.id;
  const day = dayAsked(c.req.query("day")) ?? dayOf(clock.now(), site.timeZone);
  const query = { member, day, zone: site.timeZone };
  return showPage(c, portal, {
    title: w.title,
    styles: ["sharing.css"],
    body: html`
      <h1>${w.title}</h1>
      <p class="soft">${w.hint}</p>
      <div class="columns">
        <section class="card">${calendar(leftInMonth(store.read, query), day, speech)}</section>
        <section class="card" id="day">
          ${dayList(leftOn(store.read, { ...query, limit: SHOWN_MAX }), day, portal, speech)}
        </section>
      </div>
      <section class="card" id="key">${keyCard(portal, w)}</section>
    `,
  });
}

function dayAsked(text: string | undefined): Day | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const time = new Date(`${text}T00:00:00Z`);
  return Number.isFinite(time.getTime()) && time.toISOString().startsWith(text) ? (text as Day) : undefined;
}

const monthName = (day: Day, language: Language): string =>
  new Intl.DateTimeFormat(language === "en" ? "en-GB" : "sw", {
    ...{ month: "long", year: "numeric", timeZone: "UTC" },
  }).format(new Date(`${day}T00:00:00Z`));
const DAYS_A_WEEK = 7;
/** Monday is 0. */
const weekday = (day: Day): number => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % DAYS_A_WEEK;

function calendar(days: readonly DayCount[], chosen: Day, { language, f }: Speech): Html {
  const w = leftWords(language);
  const [first] = days;
  if (!first) return html``;
  const blank = Array.from({ length: weekday(first.day) }, () => undefined);
  const cells = [...blank, ...days];
  const weeks = Array.from({ length: Math.ceil(cells.length / DAYS_A_WEEK) }, (_, i) =>
    cells.slice(i * DAYS_A_WEEK, (i + 1) * DAYS_A_WEEK),
  );
  const name = monthName(first.day, language);
  const cell = (one: DayCount | undefined): Html => (one ? dayCell(one, chosen, w, f) : html`<td></td>`);
  return html`<table class="calendar">
      <caption>
        ${fill(w.calendar, { month: name })}
      </caption>
      <thead>
        <tr>
          ${w.weekdays.split(" ").map((word) => html`<th scope="col">${word}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${weeks.map(
          (week) =>
            html`<tr>
              ${week.map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>
    <p class="months">
      <a href="/left?day=${previousDay(first.day)}" rel="prev">${w.before}</a>
      <a href="/left?day=${monthAfter(first.day)}" rel="next">${w.after}</a>
    </p>`;
}

function monthAfter(first: Day): string {
  const [year = 0, month = 0] = first.split("-").map(Number);
  return new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
}

function dayCell({ day, count }: DayCount, chosen: Day, w: LeftWords, f: Format): Html {
  const number = Number(day.slice(8));
  return html`<td class="${count > 0 ? "some" : ""}">
    <a
      href="/left?day=${day}#day"
      aria-label="${fill(w.dayCount, { day, n: f.number(count) })}"
      ${day === chosen ? html`aria-current="date"` : ""}
    >
      ${number}<b>${count > 0 ? f.number(count) : html`&nbsp;`}</b>
    </a>
  </td>`;
}

function dayList(left: ReturnType<typeof leftOn>, day: Day, portal: Portal, { language, f }: Speech): Html {
  const w = leftWords(language);
  const name = f.fullDate(dayStart(day, portal.site.timeZone));
  if (left.count === 0)
    return html`<h2>${name}</h2>
      <p class="soft">${fill(w.nothing, { day: name })}</p>`;
  const { rows, count } = left;
  return html`<h2>${fill(w.onDay, { day: name, n: f.number(count) })}</h2>
    ${count > rows.length ? html`<p class="soft">${fill(w.shown, { n: f.number(rows.length) })}</p>` : ""}
    ${rows.map((row) => releaseRow(row, portal, { w, f }))}`;
}

interface Words {
  readonly w: LeftWords;
  readonly f: Format;
}

function releaseRow(left: Left, { store, policy }: Portal, words: Words): Html {
  const { w, f } = words;
  const title = inForce(policy)?.offers.find(({ id }) => id === left.offer)?.title ?? left.offer;
  const leaf = leafOfRelease(store.read, left.sequence);
  const proven = leaf !== undefined && headOver(store.read, leaf.index) !== undefined;
  return html`<details class="row">
    <summary>
      <span class="when">${f.time(left.released)}</span>
      <span
        >${title} → ${left.recipient}${sumWords(left, words)} <small>${stateWords(left, words)}</small></span
      >
    </summary>
    <p class="any">${left.item === "" ? w.forgotten : left.tried ? w.bytes : w.bytesKept}</p>
    ${left.item === "" ? "" : html`<pre>${left.item}</pre>`}
    <p class="any">
      ${
        proven && left.item !== ""
          ? html`<a href="/api/releases/${left.sequence}/proof" download>${w.proof}</a>`
          : html`<span class="soft">${w.noProof}</span>`
      }
    </p>
  </details>`;
}

const sumWords = ({ homes }: Left, { w, f }: Words): string =>
  homes > 0 ? `, ${fill(w.sumOf, { n: f.number(homes) })}` : "";

/** What became of a release, in one sentence. */
export function stateWords({ received, dropped, tried, homes }: Left, { w, f }: Words): string {
  if (received !== undefined) return fill(w.received, { time: f.time(received) });
  if (!dropped) return tried ? w.sent : w.waiting;
  const what = fill(tried ? w.droppedSent : w.neverSent, { time: f.dateTime(dropped.time) });
  return `${what}. ${fill(w.because, { because: homes > 0 ? w.groupChanged : becauseWords(dropped.because, w) })}`;
}

function keyCard(portal: Portal, w: LeftWords): Html {
  const { log, witness } = proofKeysOf(portal);
  return html`<h2>${w.keyTitle}</h2>
    <p>${w.keyText}</p>
    <pre class="key">${verifierKeyToText(log)}</pre>
    <p class="soft">${witness ? fill(w.witness, { names: witness.name }) : w.noWitness}</p>
    <p class="any"><a href="/check">${w.check}</a></p>`;
}
