import { html } from "hono/html";
import type { DatabaseSync } from "node:sqlite";
import type { Html, Person } from "../../platform/web/index.ts";
import type { DeviceState, Doubt } from "../acquire/device-state.ts";
import type { LinkState } from "../forward/link.ts";
import { brokerCard, firstOf, quarantineCard } from "./broker-card.ts";
import { clockCard } from "./clock-card.ts";
import { energyLink } from "./continuity.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { flowsLink } from "./flows-link.ts";
import { governanceLink } from "./governance-operator.ts";
import { standingLines } from "./governance-parts.ts";
import { erasureCard } from "./erasure-card.ts";
import { fill } from "./format.ts";
import { nodesLink } from "./nodes-link.ts";
import { recordCard } from "./record-card.ts";
import { sinksCard } from "./sinks-card.ts";
import { witnessCard } from "./witness-card.ts";

/** What the operator of the co-op looks after: devices, members' way in, the link. No member's figures. */
export const CLAIM_DAYS = 7;

export interface MadeCode {
  readonly member: string;
  readonly code: string;
}

export function operatorPage(
  c: PortalContext,
  portal: Portal,
  { made, refused }: { readonly made?: MadeCode; readonly refused?: string } = {},
): Response | Promise<Response> {
  const { site, store, accounts, health, clock } = portal;
  const speech = speechFor(c, portal);
  const { t } = speech;
  const people = new Map(accounts.people().map((person) => [person.id, person]));
  return showPage(c, portal, {
    title: t.operator,
    body: html`
      <h1>${site.name}</h1>
      <p class="actions">
        ${energyLink(store.read, speech)} ${flowsLink(portal, speech)} ${nodesLink(portal, speech)}
        ${governanceLink(speech)}
      </p>
      ${standingLines(portal, speech)}
      ${made ? codeNotice(made, new URL("/claim", c.req.url).href, portal, speech) : ""}
      <section class="card">${hubCard(health.link(), outboxDepth(store.read), speech)}</section>
      ${witnessCard(portal, speech)} ${erasureCard(portal, speech)} ${recordCard(portal, speech)}
      ${brokerCard(portal, speech)} ${clockCard(portal, speech, refused)}
      <section class="card">${devicesCard(health.devices(clock.now()), speech)}</section>
      ${quarantineCard(health, speech)} ${sinksCard(health, speech)}
      <section class="card">
        <h2>${t.members}</h2>
        <div class="scroll">
          <table>
            <tbody>
              ${site.members.map((member) => memberRow(member, people.get(member.id), speech))}
            </tbody>
          </table>
        </div>
      </section>
    `,
  });
}

function devicesCard(devices: readonly DeviceState[], speech: Speech): Html {
  const { t } = speech;
  return html`<h2>${t.devices}</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>${t.device}</th>
            <th>${t.state}</th>
          </tr>
        </thead>
        <tbody>
          ${devices.map((state) => deviceRow(state, speech))}
        </tbody>
      </table>
    </div>`;
}

/** Messages that wait for the hub's receipt. */
export const outboxDepth = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT count(*) AS waiting FROM outbox").get()?.waiting);

function hubCard(link: LinkState | undefined, waiting: number, { t, f }: Speech): Html {
  if (!link)
    return html`<h2>${t.hub}</h2>
      <p>${t.hubNone}</p>`;
  return html`<h2>${t.hub}</h2>
    <p class="${link.connected ? "" : "bad"}">${link.connected ? t.hubUp : t.hubDown}</p>
    <p class="soft">
      ${fill(t.outbox, { n: f.number(waiting) })}
      ${link.lastReceipt === undefined ? "" : fill(t.hubLast, { time: f.dateTime(link.lastReceipt) })}
      ${link.lastError ?? ""}
    </p>`;
}

function deviceRow({ id, state, lastReading, error, doubtful = {} }: DeviceState, speech: Speech): Html {
  const { t, f } = speech;
  const words: Record<DeviceState["state"], string> = {
    ok: t.stateOk,
    starting: t.stateStarting,
    silent: fill(t.stateSilent, { time: lastReading === undefined ? "–" : f.dateTime(lastReading) }),
    backingOff: t.stateBackingOff,
  };
  return html`<tr>
    <td class="name">${id}</td>
    <td class="any ${state === "ok" || state === "starting" ? "" : "bad"}">
      ${words[state]}${error === undefined ? "" : html` <small>${error}</small>`} ${doubts(doubtful, speech)}
    </td>
  </tr>`;
}

/** Values of one device that are named for one doubt. */
const DOUBTFUL_SHOWN = 6;

/** What a device says now and is not believed, a line for each reason. */
function doubts(doubtful: Readonly<Record<string, Doubt>>, speech: Speech): Html[] {
  const { t } = speech;
  const words: Record<Doubt, string> = {
    stale: t.doubtStale,
    sentinel: t.doubtSentinel,
    implausible: t.doubtImplausible,
    estimated: t.doubtEstimated,
  };
  const byDoubt = Map.groupBy(Object.entries(doubtful), ([, doubt]) => doubt);
  return [...byDoubt].map(([doubt, values]) => {
    const names = values.map(([name]) => name.replace("/", " "));
    return html`<div class="soft">${words[doubt]}: ${firstOf(names, DOUBTFUL_SHOWN, speech)}</div>`;
  });
}

function memberRow(member: { id: string; name: string }, person: Person | undefined, { t }: Speech): Html {
  return html`<tr>
    <td>
      ${member.name} <small>${member.id}</small><br /><small
        >${person?.hasSecret ? t.hasPin : t.hasNoPin}</small
      >
    </td>
    <td class="number">
      <form method="post" action="/operator/members/${member.id}/claim-code">
        <button class="plain">${t.makeCode}</button>
      </form>
    </td>
  </tr>`;
}

function codeNotice({ member, code }: MadeCode, address: string, { site }: Portal, { t }: Speech): Html {
  const name = site.members.find(({ id }) => id === member)?.name ?? member;
  return html`<section class="card notice" role="status">
    <h2>${fill(t.codeMade, { name })} (${member})</h2>
    <p class="code" data-claim-code>${code}</p>
    <p>${fill(t.codeHint, { days: CLAIM_DAYS, address })}</p>
  </section>`;
}
