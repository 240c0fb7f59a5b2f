import type { OpenAPIHono } from "@hono/zod-openapi";
import { getCookie } from "hono/cookie";
import { html } from "hono/html";
import { instant } from "../../domain/model/index.ts";
import type { SessionEnv, Html } from "../../platform/web/index.ts";
import type { ActuatorState } from "../flows/actuator.ts";
import { actuatorEvents, alertsOf, type ActuatorEvent, type FlowAlert } from "../flows/commands.ts";
import type { FlowToken } from "../flows/tokens.ts";
import { showPage, speechFor, type PortalContext, type Speech } from "./context.ts";
import type { FlowsPortal } from "./flows-context.ts";
import { flowWords, type FlowWords } from "./flows-messages.ts";
import { DAYS_USUAL, tokenFromForm } from "./flows-token-form.ts";
import { fill } from "./format.ts";

/** The operator's page about flows: Node-RED, alerts, switches and tokens. */
const ALERTS_SHOWN = 50;
const EVENTS_SHOWN = 30;
const SESSION_COOKIE = "fieldwatt-gateway";

interface Notice {
  readonly made?: { readonly name: string; readonly token: string };
  readonly refused?: string;
}

export function flowPages(app: OpenAPIHono<SessionEnv>, portal: FlowsPortal): void {
  const { flows, sessions, log } = portal;
  const operator = sessions.require("operator");
  app.get("/operator/flows", operator, (c) => flowsPage(c, portal));
  app.get("/operator/flows/editor", operator, (c) => {
    const node = flows.nodeRed();
    const session = getCookie(c, SESSION_COOKIE);
    if (!node || session === undefined) return c.redirect("/operator/flows", 303);
    const editor = new URL(`http://${c.req.header("host") ?? "127.0.0.1"}/`);
    editor.port = String(node.port);
    editor.searchParams.set("access_token", flows.editor.make(session));
    return c.redirect(editor.href, 303);
  });
  app.post("/operator/flows/tokens", operator, async (c) => {
    const asked = tokenFromForm(await c.req.parseBody());
    if ("refused" in asked) return flowsPage(c, portal, asked);
    const { token, id } = flows.tokens.add(asked);
    log.info({ operator: c.var.person.id, token: id, name: asked.name }, "a token for flows was made");
    return flowsPage(c, portal, { made: { name: asked.name, token } });
  });
  app.post("/operator/flows/tokens/:id/revoke", operator, (c) => {
    flows.tokens.revoke(Number(c.req.param("id")));
    log.info({ operator: c.var.person.id, token: c.req.param("id") }, "a token for flows was revoked");
    return c.redirect("/operator/flows#tokens", 303);
  });
  app.post("/operator/flows/switches/:id", operator, async (c) => {
    const actuator = flows.actuators.find(c.req.param("id"));
    if (!actuator) return c.notFound();
    const { state } = await c.req.parseBody();
    await actuator.override(state === "on" || state === "off" ? state : undefined, c.var.person.id);
    return c.redirect("/operator/flows#switches", 303);
  });
  app.post("/operator/flows/alerts", operator, async (c) => {
    const { key } = await c.req.parseBody();
    await flows.alerts.drop(String(key));
    return c.redirect("/operator/flows#alerts", 303);
  });
}

function flowsPage(c: PortalContext, portal: FlowsPortal, notice: Notice = {}): Response | Promise<Response> {
  const { flows, store } = portal;
  const speech = speechFor(c, portal);
  const w = flowWords(speech.language);
  const actuators = flows.actuators.all().map((one) => one.state());
  return showPage(c, portal, {
    title: w.title,
    body: html`
      <h1>${w.title}</h1>
      ${notice.refused === undefined ? "" : html`<p class="notice problem">${fill(w.wrong, { why: notice.refused })}</p>`}
      ${
        notice.made
          ? html`<p class="notice" role="status">
              ${fill(w.madeToken, { name: notice.made.name })} <code class="any">${notice.made.token}</code>
            </p>`
          : ""
      }
      <section class="card" id="node-red">${nodeRedCard(portal, speech, w)}</section>
      <section class="card" id="alerts">${alertsCard(alertsOf(store.read, ALERTS_SHOWN), speech, w)}</section>
      <section class="card" id="switches">${switchesCard(actuators, speech, w)}</section>
      <section class="card" id="tokens">${tokensCard(flows.tokens.list(), speech, w)}</section>
      <section class="card" id="history">
        ${historyCard(actuatorEvents(store.read, { limit: EVENTS_SHOWN }), speech, w)}
      </section>
    `,
  });
}

function nodeRedCard({ flows }: FlowsPortal, { f }: Speech, w: FlowWords): Html {
  const node = flows.nodeRed();
  const head = html`<h2>${w.nodeRed}</h2>`;
  if (!node)
    return html`${head}
      <p class="soft">${w.elsewhere}</p>`;
  if (!node.up)
    return html`${head}
      <p class="bad">${w.down} <small class="any">${node.fault?.slice(-300) ?? ""}</small></p>`;
  return html`${head}
    <p>${fill(w.up, { n: f.number(node.restarts) })}</p>
    <p><a href="/operator/flows/editor">${w.open}</a></p>`;
}

function alertsCard(alerts: readonly FlowAlert[], { f }: Speech, w: FlowWords): Html {
  return html`<h2>${w.alerts}</h2>
    ${alerts.length === 0 ? html`<p class="soft">${w.noAlerts}</p>` : ""}
    ${alerts.map(
      ({ key, severity, text, time, by, sms }) =>
        html`<form class="alert" method="post" action="/operator/flows/alerts">
          <input type="hidden" name="key" value="${key}" />
          <p class="any ${severity === "info" ? "" : "bad"}">${text}</p>
          <div>
            <p class="soft">
              ${f.dateTime(time)}, ${by}${sms === undefined ? "" : ` ${fill(w.sms, { n: sms })}`}
            </p>
            <button class="plain" aria-label="${w.done}: ${text}">${w.done}</button>
          </div>
        </form>`,
    )}`;
}

function switchesCard(actuators: readonly ActuatorState[], speech: Speech, w: FlowWords): Html {
  return html`<h2>${w.actuators}</h2>
    <p class="soft">${actuators.length === 0 ? w.noActuators : w.handHint}</p>
    ${actuators.map((one) => switchForm(one, speech, w))}`;
}

function switchForm(actuator: ActuatorState, { f }: Speech, w: FlowWords): Html {
  const { id, name, is, since, override, heldBy, fault } = actuator;
  const held = override ? w.byHand : heldBy === undefined ? "" : fill(w.held, { by: heldBy });
  const button = (state: string, label: string) =>
    html`<button class="plain" name="state" value="${state}">${label}</button>`;
  return html`<form class="alert" method="post" action="/operator/flows/switches/${id}" id="switch-${id}">
    <p class="any">
      <strong>${name}</strong>: ${fill(w.state, { state: w[is], time: f.dateTime(since) })} ${held}
      ${fault === undefined ? "" : html`<small class="bad">${fault}</small>`}
    </p>
    <div class="actions">
      ${button("on", w.switchOn)} ${button("off", w.switchOff)} ${override ? button("flows", w.release) : ""}
    </div>
  </form>`;
}

function tokensCard(tokens: readonly FlowToken[], speech: Speech, w: FlowWords): Html {
  return html`<h2>${w.tokens}</h2>
    <p class="soft">${w.tokensHint}</p>
    ${tokens.map((token) => tokenLine(token, speech, w))}
    <details>
      <summary>${w.newToken}</summary>
      ${tokenForm(w)}
    </details>`;
}

function tokenLine({ id, name, rights, until, revoked }: FlowToken, { f }: Speech, w: FlowWords): Html {
  const lists = Object.entries(rights).flatMap(([what, names]) =>
    Array.isArray(names) ? (names.length > 0 ? [`${what}: ${names.join(", ")}`] : []) : names ? [what] : [],
  );
  return html`<form method="post" action="/operator/flows/tokens/${id}/revoke">
    <p class="any">
      <strong>${name}</strong>
      <small>
        ${revoked === undefined ? fill(w.until, { time: f.dateTime(instant(until)) }) : w.revoked};
        ${lists.join("; ")}
      </small>
    </p>
    ${revoked === undefined ? html`<button class="plain">${w.revoke}</button>` : ""}
  </form>`;
}

function tokenForm(w: FlowWords): Html {
  const field = (name: string, label: string, value = "") =>
    html`<label>${label} <input type="text" name="${name}" value="${value}" /></label>`;
  return html`<form method="post" action="/operator/flows/tokens">
    ${field("name", w.name)} ${field("days", w.days, String(DAYS_USUAL))} ${field("streams", w.streams)}
    <small class="soft">${w.streamsHint}</small>
    ${field("devices", w.devices)} ${field("members", w.members)} ${field("commands", w.commands)}
    ${field("summaries", w.summaries)}
    <label><input type="checkbox" name="alerts" /> ${w.mayAlert}</label>
    <label><input type="checkbox" name="faults" /> ${w.mayFault}</label>
    <button>${w.make}</button>
  </form>`;
}

function historyCard(events: readonly ActuatorEvent[], { f }: Speech, w: FlowWords): Html {
  return html`<h2>${w.history}</h2>
    ${events.length === 0 ? html`<p class="soft">${w.noHistory}</p>` : ""}
    <ul class="entries">
      ${events.map(
        ({ time, actuator, wanted, outcome, because, by }) =>
          html`<li class="any ${outcome === "switched" ? "" : "bad"}">
            <small>${f.dateTime(time)}</small> ${actuator}: ${w[wanted]}, ${w[outcome]}
            <small>${because}, ${by}</small>
          </li>`,
      )}
    </ul>`;
}
