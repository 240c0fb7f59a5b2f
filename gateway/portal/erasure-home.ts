import type { Hono } from "hono";
import { html } from "hono/html";
import type { Html, SessionEnv } from "../../platform/web/index.ts";
import { devicesOf, heldAbout, type Held } from "../erasure/forgetting.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { erasureWords } from "./erasure-messages.ts";
import { forgettingPage } from "./erasure-page.ts";
import { fill } from "./format.ts";

/** "Delete what you hold about me": first what goes and what stays, then the PIN once more. */
export function forgettingRoutes(app: Hono<SessionEnv>, portal: Portal): void {
  const { sessions } = portal;
  app.get("/forgetting", sessions.require("member"), (c) => forgettingPage(c, portal));
  app.get("/forgetting/home", sessions.require("member"), (c) => listPage(c, portal));
  app.get("/forgetting/home/pin", sessions.require("member"), (c) => pinPage(c, portal));
  app.post("/forgetting/home", sessions.require("member"), (c) => forget(c, portal));
}

async function forget(c: PortalContext, portal: Portal): Promise<Response> {
  const { accounts, store, clock, log } = portal;
  const { pin } = await c.req.parseBody();
  const member = c.var.person.id;
  const w = erasureWords(speechFor(c, portal).language);
  const outcome = await accounts.signIn(member, typeof pin === "string" ? pin : "");
  if (outcome.kind === "wait") return pinPage(c, portal, fill(w.wait, { seconds: outcome.seconds }));
  if (outcome.kind === "refused") return pinPage(c, portal, w.wrong);
  await store.run("orderForgetting", { member, by: member, now: clock.now() });
  log.warn({ member }, "a member wants what is held about them to be deleted");
  return c.redirect("/forgetting?asked=yes", 303);
}

function listPage(c: PortalContext, portal: Portal): Response | Promise<Response> {
  const speech = speechFor(c, portal);
  const w = erasureWords(speech.language);
  const member = c.var.person.id;
  const devices = devicesOf(portal.site, member);
  const held = heldAbout(portal.store.read, member, devices);
  return showPage(c, portal, {
    title: w.listTitle,
    styles: ["sharing.css"],
    body: html`
      <h1>${w.listTitle}</h1>
      <section class="card">
        <h2>${w.goesTitle}</h2>
        <ul class="any">
          ${goes(held, devices, speech).map((words) => html`<li>${words}</li>`)}
        </ul>
        <p>${w.yeses}</p>
      </section>
      <section class="card">
        <h2>${w.staysTitle}</h2>
        <ul class="any">
          ${stays(held, speech).map((words) => html`<li>${words}</li>`)}
        </ul>
        <p>${w.after}</p>
        <p>${w.sums}</p>
        <p>${fill(w.copies, { sinks: sinkNames(portal, w.noSinks) })}</p>
        <p class="soft">${w.card}</p>
      </section>
      <p class="actions">
        <a class="button" href="/forgetting/home/pin">${w.goOn}</a>
        <a class="button plain" href="/forgetting">${w.back}</a>
      </p>
    `,
  });
}

function goes(held: Held, devices: readonly string[], { language, f }: Speech): string[] {
  const w = erasureWords(language);
  const names = ["readings", "days", "quarterHours", "summaries", "releases", "advice", "alerts"] as const;
  return names.map((name) =>
    fill(w[name], { n: f.number(held[name]), devices: devices.length === 0 ? "–" : devices.join(", ") }),
  );
}

function stays(held: Held, { language, f }: Speech): string[] {
  const w = erasureWords(language);
  const names = ["trades", "leaves", "consents"] as const;
  return [...names.map((name) => fill(w[name], { n: f.number(held[name]) })), w.account];
}

/** The places besides the record where readings go, as the operator's page calls them. */
export const sinkNames = ({ health }: Portal, none: string): string =>
  health.sinks
    ?.states()
    .map(({ name }) => name)
    .join(", ") || none;

function pinPage(c: PortalContext, portal: Portal, problem?: string): Response | Promise<Response> {
  const { language } = speechFor(c, portal);
  const w = erasureWords(language);
  if (problem !== undefined) c.status(403);
  return showPage(c, portal, {
    title: w.pinTitle,
    styles: ["sharing.css"],
    body: html`
      <h1>${w.pinTitle}</h1>
      ${problem === undefined ? "" : html`<p class="notice problem" role="alert">${problem}</p>`}
      <form class="card" method="post" action="/forgetting/home">
        <p>${w.pinHint}</p>
        ${pinField(w.pin)}
        <p class="actions">
          <button>${w.confirm}</button>
          <a class="button plain" href="/forgetting">${w.back}</a>
        </p>
      </form>
    `,
  });
}

const pinField = (label: string): Html =>
  html`<label>
    ${label}
    <input name="pin" type="password" inputmode="numeric" autocomplete="current-password" required />
  </label>`;
