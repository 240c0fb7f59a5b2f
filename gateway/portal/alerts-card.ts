import type { Hono } from "hono";
import { html } from "hono/html";
import type { DatabaseSync } from "node:sqlite";
import type { Html, SessionEnv } from "../../platform/web/index.ts";
import { alertsTo, type MemberAlert } from "../flows/member-alerts.ts";
import { alertsWords, type AlertsWords } from "./alerts-messages.ts";
import type { Portal, Speech } from "./context.ts";
import { fill } from "./format.ts";

/** What flows have to say to this member, on top of the page until the member is done with it. */
const SHOWN = 3;
const COUNTED_MAX = 50;

export function alertPages(app: Hono<SessionEnv>, { sessions, store }: Portal): void {
  app.post("/alerts/:id/done", sessions.require("member"), async (c) => {
    await store.run("dropMemberAlert", { member: c.var.person.id, id: Number(c.req.param("id")) });
    return c.redirect("/", 303);
  });
}

/** Nothing where there is nothing to say. */
export function alertsCard(db: DatabaseSync, member: string, { f, language }: Speech): Html | "" {
  const w = alertsWords(language);
  const all = alertsTo(db, member, COUNTED_MAX);
  const more = all.length - SHOWN;
  if (all.length === 0) return "";
  return html`<section class="card" id="alerts">
    <h2>${w.title}</h2>
    ${all.slice(0, SHOWN).map((alert) => alertRow(alert, f, w))}
    ${more > 0 ? html`<p class="soft">${fill(w.more, { n: f.number(more) })}</p>` : ""}
  </section>`;
}

function alertRow({ id, severity, text, time, sms }: MemberAlert, f: Speech["f"], w: AlertsWords): Html {
  const phone = sms === undefined ? "" : sms ? w.sent : w.notSent;
  return html`<form class="alert" method="post" action="/alerts/${id}/done">
    <p class="any ${severity === "info" ? "" : "bad"}">${text}</p>
    <div>
      <p class="soft">${f.dateTime(time)} ${phone}</p>
      <button class="plain" aria-label="${w.done}: ${text}">${w.done}</button>
    </div>
  </form>`;
}
