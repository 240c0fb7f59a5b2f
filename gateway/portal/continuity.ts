import { html } from "hono/html";
import type { DatabaseSync } from "node:sqlite";
import { effectOf, type Resolution } from "../../domain/energy/continuity.ts";
import { dayOf, messageOf } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import { eventOf, ledgerEvents, type LedgerEvent } from "../summarise/ledger.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { continuityWords } from "./continuity-messages.ts";
import { renderCurve, renderTable, type Role } from "./curve.ts";
import { forgottenLines } from "./erasure-card.ts";
import { figure, fill } from "./format.ts";
import { villageDay, type VillageDay } from "./village-day.ts";

/** The operator's page about energy: the village's balance with its losses, and the ledger of its counters. */
const EVENTS_SHOWN = 40;
const MISSING_SHOWN = 8;

/** What the operator filled in for one event, and what it would do or why it cannot be. */
interface Tried {
  readonly event: number;
  readonly fields: Fields;
  readonly notice: string;
  readonly possible: boolean;
}

type Fields = Readonly<Partial<Record<"oldEnd" | "newStart" | "energy", string>>>;

/** The way to the page, and how many counters wait for somebody. */
export function energyLink(db: DatabaseSync, { f, language }: Speech): Html {
  const { w } = continuityWords(language);
  const open = ledgerEvents(db).filter(({ state }) => state === "open").length;
  return html`<a href="/operator/energy">${w.link}</a>
    ${open > 0 ? html`<span class="bad">${fill(w.waiting, { n: f.number(open) })}</span>` : ""}`;
}

export function energyPage(c: PortalContext, portal: Portal, tried?: Tried): Response | Promise<Response> {
  const { site, store, clock } = portal;
  const speech = speechFor(c, portal);
  const { w } = continuityWords(speech.language);
  const day = dayOf(clock.now(), site.timeZone);
  const today = villageDay(store, { site, day, now: clock.now() });
  const events = ledgerEvents(store.read, { limit: EVENTS_SHOWN });
  return showPage(c, portal, {
    title: w.title,
    scripts: ["curve.js"],
    styles: ["uplot.css"],
    body: html`
      <h1>${w.title}</h1>
      <section class="card" id="village">${villageCard(today, site.timeZone, speech)}</section>
      <section class="card" id="counters">
        <h2>${w.events}</h2>
        <p class="soft">${events.length === 0 ? w.none : w.eventsHint}</p>
        ${forgottenLines(portal, speech)} ${events.map((event) => eventRow(event, tried, speech))}
      </section>
    `,
  });
}

function villageCard(today: VillageDay, zone: string, speech: Speech): Html {
  const { t, f, language } = speech;
  const { w } = continuityWords(language);
  const { total, losses, known, slots, missing, contradictions } = today;
  const energy = (label: string, wh: number, tone?: "sun" | "use") =>
    figure({
      label,
      value: known === 0 ? undefined : f.kilowattHours(wh),
      unit: "kWh",
      unknown: t.unknown,
      ...(tone && { tone }),
    });
  const roles: readonly Role[] = ["production", "consumption"];
  return html`<h2>${w.balance}</h2>
    <dl class="figures">
      ${energy(w.consumption, total.consumption, "use")} ${energy(w.production, total.production, "sun")}
      ${energy(w.imported, total.import)} ${energy(w.exported, total.export)}
      ${losses === undefined ? "" : energy(w.losses, losses)}
    </dl>
    <p class="hint">
      ${known === 0 ? w.noneKnown : fill(w.known, { known: f.number(known), all: f.number(slots.length) })}
    </p>
    ${missing
      .slice(0, MISSING_SHOWN)
      .map(([device, n]) => html`<p class="soft any">${fill(w.missing, { device, n: f.number(n) })}</p>`)}
    ${contradictions.map(
      ([device, wh]) => html`<p class="bad any">${fill(w.contradiction, { device, wh: f.number(wh) })}</p>`,
    )}
    ${renderCurve(today, { zone, roles }, speech)} ${renderTable(today, roles, speech)}`;
}

function eventRow(event: LedgerEvent, tried: Tried | undefined, speech: Speech): Html {
  const { f, language } = speech;
  const { w, kinds, states, said } = continuityWords(language);
  const { id, stream, kind, state, before, after, effect, entries } = event;
  const here = tried?.event === id ? tried : undefined;
  const words = fill(w.between, {
    before: f.kilowattHours(before.register, 3),
    from: f.dateTime(before.time),
    after: f.kilowattHours(after.register, 3),
    to: f.dateTime(after.time),
  });
  return html`<details class="row" id="event-${id}" ${state === "open" || here ? "open" : ""}>
    <summary>
      <span class="when">${f.dateTime(after.time)}</span>
      <span class="any">
        ${stream.replaceAll("/", " ")} ${kinds[kind]}
        <small class="${state === "open" ? "bad" : ""}">
          ${states[state]}${effect ? `, ${fill(w.counted, { wh: f.number(effect.wattHours) })}` : ""}
        </small>
      </span>
    </summary>
    <p>${words}</p>
    ${entries.map(
      ({ made, by, says, effect: wh }) =>
        html`<p class="soft">
          ${f.dateTime(made)}, ${by}: ${said[says]}${wh === undefined ? "" : `, ${f.number(wh)} Wh`}
        </p>`,
    )}
    ${here ? html`<p class="notice ${here.possible ? "" : "problem"}" role="status">${here.notice}</p>` : ""}
    ${state === "gone" ? "" : eventForms(event, here, speech)}
  </details>`;
}

function eventForms(event: LedgerEvent, here: Tried | undefined, { f, language }: Speech): Html {
  const { w } = continuityWords(language);
  const action = `/operator/energy/${event.id}`;
  const label =
    event.kind === "scale" && event.factor !== undefined
      ? fill(w.confirmScale, { factor: f.number(event.factor, event.factor < 1 ? 6 : 0) })
      : fill(w.confirm, { wh: f.number(event.proposed) });
  const input = (name: keyof Fields, text: string) =>
    html`<label
      >${text} <input type="text" inputmode="decimal" name="${name}" value="${here?.fields[name] ?? ""}"
    /></label>`;
  return html`<form method="post" action="${action}">
      ${event.state === "open" ? html`<button name="do" value="confirm">${label}</button>` : ""}
      ${event.state === "settled" ? html`<button class="plain" name="do" value="undo">${w.undo}</button>` : ""}
    </form>
    <details ${here ? "open" : ""}>
      <summary>${w.other}</summary>
      <form method="post" action="${action}">
        ${input("oldEnd", w.oldEnd)} ${input("newStart", w.newStart)} ${input("energy", w.orEnergy)}
        <button class="plain" name="do" value="preview">${w.preview}</button>
        ${here?.possible ? html`<button name="do" value="correct">${w.correct}</button>` : ""}
      </form>
    </details>`;
}

/** "812.345" or "812,345" kWh as Wh; undefined where it is no number. */
function wattHoursOf(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === "" ? NaN : Number(text.trim().replace(",", "."));
  return Number.isFinite(value) ? Math.round(value * 1000) : undefined;
}

function resolutionOf({ oldEnd, newStart, energy }: Fields): Resolution | undefined {
  const [end, start, wattHours] = [wattHoursOf(oldEnd), wattHoursOf(newStart), wattHoursOf(energy)];
  if (end !== undefined && start !== undefined) return { kind: "registers", oldEnd: end, newStart: start };
  return wattHours === undefined ? undefined : { kind: "energy", wattHours };
}

/** Previews, confirms, corrects or takes back; what cannot be is said on the page. */
export async function settleEvent(c: PortalContext, portal: Portal): Promise<Response> {
  const { store, clock, log } = portal;
  const { w } = continuityWords(speechFor(c, portal).language);
  const id = Number(c.req.param("id"));
  const { do: what, ...rest } = await c.req.parseBody();
  const fields = Object.fromEntries(
    Object.entries(rest).map(([name, text]) => [name, String(text)]),
  ) as Fields;
  const refuse = (notice: string) => energyPage(c, portal, { event: id, fields, notice, possible: false });
  const asked: Resolution | undefined = what === "confirm" ? { kind: "asProposed" } : resolutionOf(fields);
  try {
    const effect = asked && effectOf(eventOf(store.read, id), asked);
    if (what !== "undo" && !effect) return await refuse(w.incomplete);
    if (typeof effect === "string") return await refuse(fill(w.wrong, { why: effect }));
    if (what === "preview") {
      const notice = fill(w.previewed, { wh: String(effect?.wattHours) });
      return await energyPage(c, portal, { event: id, fields, notice, possible: true });
    }
    const says = what === "confirm" || what === "undo" ? what : "correct";
    const by = c.var.person.id;
    const resolution = says === "undo" ? undefined : asked;
    await store.run("sayContinuity", {
      event: id,
      by,
      now: clock.now(),
      says,
      ...(resolution && { resolution }),
    });
    log.info(
      { operator: by, event: id, says, wattHours: effect?.wattHours },
      "a counter's event was settled",
    );
    return c.redirect(`/operator/energy#event-${id}`, 303);
  } catch (error) {
    return refuse(fill(w.wrong, { why: messageOf(error) }));
  }
}
