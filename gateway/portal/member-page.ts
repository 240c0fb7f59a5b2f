import { html } from "hono/html";
import { selfConsumptionRate, selfSufficiency } from "../../domain/energy/balance.ts";
import { dayOf, dayStart, type Day, type Provenance } from "../../domain/model/index.ts";
import type { ClearingAnswer } from "../../protocol/messages.ts";
import type { Html } from "../../platform/web/index.ts";
import { alertsCard } from "./alerts-card.ts";
import { inForce } from "../site/load.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { continuityWords } from "./continuity-messages.ts";
import { renderCurve, renderTable, type Role } from "./curve.ts";
import { memberDay, type MemberDay } from "./day.ts";
import { versionOf } from "./events.ts";
import { exportCard } from "./export.ts";
import { figure, fill } from "./format.ts";
import { purposeWords } from "./messages.ts";
import { powerNow, type PowerNow } from "./power.ts";
import { votesLink } from "./governance-member.ts";
import { stateWords } from "./sharing-left.ts";
import { leftWords } from "./sharing-left-messages.ts";
import { sharingWords } from "./sharing-messages.ts";
import { switchOf } from "./sharing.ts";
import { clearingsOn, latestAdvice, leftOn, offersOf, type Left, type OfferState } from "./shared.ts";

/** What a member reads on the phone. Parts with `data-part` are exchanged by live.js when something new is there. */
const LEFT_SHOWN = 12;
const TRADES_SHOWN = 8;

export function memberPage(c: PortalContext, portal: Portal): Response | Promise<Response> {
  const { site, store, live, clock } = portal;
  const member = c.var.person.id;
  const now = clock.now();
  const day = dayOf(now, site.timeZone);
  const speech = speechFor(c, portal);
  const { t, f } = speech;
  const today = memberDay(store.read, { member, day, zone: site.timeZone, now });
  const name = site.members.find(({ id }) => id === member)?.name ?? member;
  const power = powerNow(site, live, { member, now });
  const roles: readonly Role[] = power.has.production ? ["production", "consumption"] : ["consumption"];
  const query = { member, day, zone: site.timeZone };
  return showPage(c, portal, {
    title: name,
    scripts: ["curve.js", "live.js"],
    styles: ["uplot.css"],
    body: html`
      <h1>${name}</h1>
      ${clock.trusted() ? "" : html`<p class="notice problem" role="status">${t.clockWaits}</p>`}
      <div data-part="alerts">${alertsCard(store.read, member, speech)}</div>
      <div class="columns">
        <div>
          ${nowCard(power, versionOf(store.read, member), speech)}
          <section class="card" data-part="balance">${balanceCard(today, power.has, speech)}</section>
          <section class="card later" data-part="advice">${adviceCard(portal, member, speech)}</section>
        </div>
        <div>
          <section class="card" data-part="curve">
            <h2>${t.curve}, ${f.date(now)}</h2>
            ${renderCurve(today, { zone: site.timeZone, roles }, speech)} ${renderTable(today, roles, speech)}
          </section>
          <section class="card" data-part="trading">${tradingCard(portal, query, speech)}</section>
        </div>
      </div>
      ${votesLink(store.read, { member, now }, speech)}
      <section class="card" id="share">${shareCard(offersOf(portal, member), speech)}</section>
      <section class="card" data-part="left">
        ${leftCard(leftOn(store.read, { ...query, limit: LEFT_SHOWN }), portal, speech)}
      </section>
      <section class="card" id="readings">${exportCard(portal, member, speech)}</section>
    `,
  });
}

function nowCard(power: PowerNow, version: string, { t, f }: Speech): Html {
  const watts = (
    name: string,
    value: number | undefined,
    words: readonly [string, string, string],
    tone?: string,
  ) =>
    html`<div class="${name === "using" ? "wide" : ""}">
      <dt
        data-label="${name}"
        data-positive="${words[0]}"
        data-negative="${words[1]}"
        data-unknown="${words[2]}"
      >
        ${value === undefined ? words[2] : value < 0 ? words[1] : words[0]}
      </dt>
      <dd
        class="${value === undefined ? "unknown" : (tone ?? "")}"
        data-figure="${name}"
        data-tone="${tone ?? ""}"
        data-unknown="${t.unknown}"
      >
        ${value === undefined ? t.unknown : html`${f.number(Math.abs(value))} <small>W</small>`}
      </dd>
    </div>`;
  return html`<section class="card" data-version="${version}">
    <h2>${t.now}</h2>
    <dl class="figures">
      ${watts("using", power.using, [t.using, t.using, t.using], "use")}
      ${power.has.production ? watts("production", power.production, [t.fromSun, t.fromSun, t.fromSun], "sun") : ""}
      ${power.has.grid ? watts("grid", power.grid, [t.fromGrid, t.toGrid, t.atGrid]) : ""}
      ${power.has.battery ? watts("battery", power.battery, [t.fromBattery, t.toBattery, t.atBattery]) : ""}
    </dl>
    <p class="hint" data-measured="${t.measuredAt}" data-none="${t.noMeasure}">
      ${power.asOf === undefined ? t.noMeasure : fill(t.measuredAt, { time: f.time(power.asOf) })}
    </p>
  </section>`;
}

/** A house without a roof of its own has no use for the sun's figures. */
function balanceCard(today: MemberDay, has: PowerNow["has"], { t, f, language }: Speech): Html {
  const { total, slots, known, since } = today;
  if (since === undefined)
    return html`<h2>${t.today}</h2>
      <p class="soft">${t.coverageNone}</p>`;
  const energy = (label: string, wh: number, tone?: "sun" | "use") =>
    figure({ label, value: f.kilowattHours(wh), unit: "kWh", unknown: t.unknown, ...(tone && { tone }) });
  const share = (label: string, value: number | undefined) =>
    figure({ label, value: value === undefined ? undefined : f.percent(value), unknown: t.unknown });
  const of = (how: Provenance) => slots.filter(({ provenance }) => provenance === how).length;
  const [filled, integrated] = [of("filled"), of("integrated")];
  return html`<h2>${t.today}</h2>
    <dl class="figures">
      ${energy(t.consumption, total.consumption, "use")}
      ${has.production ? energy(t.production, total.production, "sun") : ""}
      ${energy(t.imported, total.import)}
      ${
        has.production
          ? html`${energy(t.exported, total.export)} ${share(t.selfConsumption, selfConsumptionRate(total))}
            ${share(t.selfSufficiency, selfSufficiency(total))}`
          : ""
      }
    </dl>
    <p class="hint">
      ${fill(t.coverage, { since: f.time(since), known: f.number(known), all: f.number(slots.length) })}
      ${filled > 0 ? fill(t.filled, { n: f.number(filled) }) : ""}
      ${integrated > 0 ? fill(continuityWords(language).w.integrated, { n: f.number(integrated) }) : ""}
    </p>`;
}

function tradingCard(
  { store }: Portal,
  query: { member: string; day: Day; zone: string },
  { t, f }: Speech,
): Html {
  const { clearings, money } = clearingsOn(store.read, query);
  if (!money)
    return html`<h2>${t.trading}</h2>
      <p class="soft">${t.noTrades}</p>`;
  const row = ({ slot, fromVillageWh, toVillageWh, twiceMid, currency }: ClearingAnswer) =>
    html`<tr>
      <td>${f.time(slot)}</td>
      <td class="number">${f.kilowattHours(fromVillageWh, 3)}</td>
      <td class="number">${f.kilowattHours(toVillageWh, 3)}</td>
      <td class="number">${f.money(twiceMid / 2, currency)}</td>
    </tr>`;
  const text = (label: string, value: string, unit?: string) =>
    figure({ label, value, unknown: t.unknown, ...(unit !== undefined && { unit }) });
  return html`<h2>${t.trading}</h2>
    <dl class="figures">
      ${text(t.bought, f.kilowattHours(money.fromVillageWh, 3), "kWh")}
      ${text(t.sold, f.kilowattHours(money.toVillageWh, 3), "kWh")}
      ${text(t.paid, f.money(money.paid, money.currency))}
      ${text(t.received, f.money(money.received, money.currency))}
    </dl>
    <p class="hint">${t.moneyHint}</p>
    <h3>${t.lastTrades} <small>${t.inKilowattHours}</small></h3>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>${t.quarterHour}</th>
            <th class="number">${t.boughtShort}</th>
            <th class="number">${t.soldShort}</th>
            <th class="number">${t.price}</th>
          </tr>
        </thead>
        <tbody>
          ${clearings.slice(0, TRADES_SHOWN).map(row)}
        </tbody>
      </table>
    </div>`;
}

function adviceCard({ store, site }: Portal, member: string, { t, f }: Speech): Html {
  const advice = latestAdvice(store.read, member);
  if (!advice)
    return html`<h2>${t.advice}</h2>
      <p class="soft">${t.noAdvice}</p>`;
  const day = f.date(dayStart(advice.day as Day, site.timeZone));
  const mm = advice.referenceEvapotranspiration;
  if (mm === undefined) {
    const because = advice.unknownBecause ?? t.unknown;
    return html`<h2>${t.advice}</h2>
      <p class="unknown">${fill(t.adviceUnknown, { day, because })}</p>`;
  }
  const value = f.number(mm, 1);
  return html`<h2>${t.advice}</h2>
    <dl class="figures">${figure({ label: "ET₀ (FAO-56)", value, unit: "mm", unknown: t.unknown })}</dl>
    <p>${fill(t.advicePlain, { day, mm: value, litres: value })}</p>
    ${
      advice.fallbacks.length === 0
        ? ""
        : html`<p class="hint">${t.adviceFallbacks} ${advice.fallbacks.join("; ")}</p>`
    }`;
}

function shareCard(offers: readonly OfferState[], { t, f, language }: Speech): Html {
  const w = sharingWords(language);
  const row = (state: OfferState): Html => {
    const { offer, shared, consent } = state;
    const { kind, recipient, purpose, retentionDays } = offer;
    const terms = { kind: t[kind], recipient, purpose: purposeWords(purpose, language) };
    return html`<div class="switch-row">
      <div>
        <strong>${offer.title}</strong>
        <p class="soft">
          ${fill(t.offerWhat, { ...terms, days: f.number(retentionDays) })}
          ${
            shared && consent
              ? fill(t.offerUntil, { since: f.dateTime(consent.given), until: f.fullDate(consent.expires) })
              : ""
          }
        </p>
      </div>
      ${switchOf(state, { t, f, language })}
    </div>`;
  };
  return html`<h2>${t.share}</h2>
    <p class="soft">${offers.length === 0 ? t.shareNone : t.shareHint}</p>
    ${offers.map(row)}
    <p class="any"><a href="/sharing">${w.more}</a></p>`;
}

function leftCard(left: ReturnType<typeof leftOn>, { policy }: Portal, { t, f, language }: Speech): Html {
  const more = html`<p class="any"><a href="/left">${sharingWords(language).leftLink}</a></p>`;
  if (left.count === 0)
    return html`<h2>${t.left}</h2>
      <p class="soft">${t.leftNothing}</p>
      ${more}`;
  const title = (id: string) => inForce(policy)?.offers.find((offer) => offer.id === id)?.title ?? id;
  const row = (one: Left) =>
    html`<details class="row">
      <summary>
        <span class="when">${f.time(one.released)}</span>
        <span>
          ${title(one.offer)} ${fill(t.leftTo, { recipient: one.recipient })}
          <small>${stateWords(one, { w: leftWords(language), f })}</small>
        </span>
      </summary>
      <pre>${one.item}</pre>
    </details>`;
  return html`<h2>${t.left}</h2>
    <p class="soft">
      ${fill(t.leftCount, { n: f.number(left.count) })}
      ${left.count > left.rows.length ? fill(t.leftShown, { n: f.number(left.rows.length) }) : ""}
      ${t.leftBytes}
    </p>
    ${left.rows.map(row)} ${more}`;
}
