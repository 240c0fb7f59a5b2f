import type { Hono } from "hono";
import { html } from "hono/html";
import { memberId } from "../../domain/model/index.ts";
import type { Html, SessionEnv } from "../../platform/web/index.ts";
import { mandateRecords, type MandateRecord } from "../release/mandates.ts";
import { inForce } from "../site/load.ts";
import type { Portal } from "./context.ts";
import { fill } from "./format.ts";
import { limitWords } from "./sharing-limits-messages.ts";
import type { Speech } from "./context.ts";

/** Who may say yes for a member: seen by the member, and ended by them at any time. */
export function guardiansCard(portal: Portal, member: string, { language, f }: Speech): Html {
  const w = limitWords(language);
  const mandates = mandateRecords(portal.store.read, memberId(member));
  if (mandates.length === 0) return html``;
  const title = (id: string): string =>
    inForce(portal.policy)?.offers.find((offer) => offer.id === id)?.title ?? id;
  const row = ({ id, guardian, scope, until, revoked }: MandateRecord): Html => {
    if (revoked || until <= portal.clock.now()) return html`<li>${fill(w.ended, { guardian })}</li>`;
    const words = scope === "all" ? w.everything : scope.map(title).join(", ");
    return html`<li>
      ${fill(w.guardian, { guardian, scope: words, until: f.fullDate(until) })}
      <form method="post" action="/guardians/${id}/revoke"><button class="plain">${w.revoke}</button></form>
    </li>`;
  };
  return html`<section class="card" id="guardians">
    <h2>${w.guardians}</h2>
    <p class="soft">${w.guardiansHint}</p>
    <ul class="entries">
      ${mandates.map(row)}
    </ul>
  </section>`;
}

export function guardianRoutes(app: Hono<SessionEnv>, portal: Portal): void {
  const { sessions, store, clock } = portal;
  app.post("/guardians/:id/revoke", sessions.require("member"), async (c) => {
    const [id, member] = [Number(c.req.param("id")), memberId(c.var.person.id)];
    const own = mandateRecords(store.read, member).some((one) => one.id === id);
    if (own) await store.run("revokeMandate", { id, time: clock.now(), by: "member" });
    return c.redirect("/sharing#guardians", 303);
  });
}
