import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import type { JobNode, NodeJob } from "../nodes/jobs.ts";
import type { SiteNode, SiteNodes } from "../nodes/open.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { fill } from "./format.ts";
import { nodeWords, type NodeWords } from "./nodes-messages.ts";

export type NodesPortal = Portal & { readonly nodes: SiteNodes };

interface Shown {
  /** Where a node may be provisioned. */
  readonly lines: readonly string[];
  readonly refused?: string;
}

const EVENTS_SHOWN = 20;
const INTERVAL_USUAL = 900;
/** While a job goes on the page is asked for again so often, s; without a script, so that any phone shows it. */
const REFRESH_S = 2;

export async function nodesPage(
  c: PortalContext,
  portal: NodesPortal,
  { lines, refused }: Shown,
): Promise<Response> {
  const { nodes } = portal;
  const speech = speechFor(c, portal);
  const w = nodeWords(speech.language);
  const all = await nodes.all();
  const job = nodes.jobs.job();
  if (job?.state === "running") c.header("Refresh", `${REFRESH_S}; url=/operator/nodes`);
  return showPage(c, portal, {
    title: w.title,
    body: html`
      <h1>${w.title}</h1>
      ${refused === undefined ? "" : html`<p class="notice problem">${fill(w.refused, { why: refused })}</p>`}
      ${job ? html`<section class="card" id="job">${jobCard(job, speech, w)}</section>` : ""}
      <section class="card" id="nodes">${nodesCard(all, portal, speech)}</section>
      <section class="card" id="provision">${provisionCard(lines, w)}</section>
      <section class="card" id="update">${updateCard(all, nodes.mayUpdate, w)}</section>
    `,
  });
}

function jobCard(job: NodeJob, { f }: Speech, w: NodeWords): Html {
  const { kind, state, because, began, by, nodes, lines } = job;
  const isWaiting = kind === "provision" && state === "running";
  const [first] = nodes;
  return html`<h2>${w.job}</h2>
    <p class="any ${state === "failed" ? "bad" : ""}" role="status">
      <strong>${kind === "provision" ? w.provisioning : w.updating}: ${w[state]}</strong>
      <small>${f.dateTime(began)}, ${by}</small> ${because ?? ""}
    </p>
    ${isWaiting ? html`<p class="notice">${w.press}</p>` : ""}
    ${
      kind === "update"
        ? html`<ul class="entries">
            ${nodes.map((one) => jobRow(one, w))}
          </ul>`
        : ""
    }
    ${
      lines === undefined || !first
        ? ""
        : html`<p>${fill(w.hasKey, { number: f.number(first.number) })}</p>
            <pre class="any">${lines}</pre>`
    }`;
}

const jobRow = ({ number, state, share, from, to }: JobNode, w: NodeWords): Html =>
  html`<li class="any ${state === "failed" ? "bad" : ""}">
    ${w.node} ${number}: ${from} → ${to}, ${stateWords(state, share, w)}
    ${state === "sending" ? html`<progress max="1" value="${share.toFixed(2)}"></progress>` : ""}
  </li>`;

function stateWords(state: JobNode["state"], share: number, w: NodeWords): string {
  if (state !== "sending") return w[state];
  return share === 1 ? w.starting : fill(w.sending, { share: String(Math.floor(100 * share)) });
}

function nodesCard(all: readonly SiteNode[], portal: NodesPortal, speech: Speech): Html {
  const w = nodeWords(speech.language);
  return html`<h2>${w.title}</h2>
    <p class="soft">${all.length === 0 ? w.none : w.trustHint}</p>
    ${all.map((one) => nodeRow(one, portal, speech))}`;
}

function nodeRow({ entry, device }: SiteNode, { health, clock }: NodesPortal, { f, language }: Speech): Html {
  const w = nodeWords(language);
  const { number, hardware, firmware, said } = entry;
  const state = health.devices(clock.now()).find(({ id }) => id === device);
  const newest = said.slice(-EVENTS_SHOWN).toReversed();
  return html`<details class="row" id="node-${number}">
    <summary>
      <span class="any">
        <strong>${w.node} ${number}</strong> ${device ?? html`<span class="bad">${w.noDevice}</span>`}
        <small>${hardware}, ${w.firmware} ${firmware}, ${w.trust}</small>
        ${state?.error === undefined ? "" : html`<small class="bad">${state.error}</small>`}
      </span>
    </summary>
    <p>${w.heard}: ${state?.lastReading === undefined ? w.never : f.dateTime(state.lastReading)}</p>
    <h3>${w.events}</h3>
    ${newest.length === 0 ? html`<p class="soft">${w.noEvents}</p>` : ""}
    <ul class="entries">
      ${newest.map(({ time, kind, detail }) => html`<li><small>${f.dateTime(time)}</small> ${eventWords(kind, detail, w)}</li>`)}
    </ul>
  </details>`;
}

function eventWords(kind: string, detail: string, w: NodeWords): string {
  if (kind === "started") return fill(w.started, { detail: causesOf(detail, w) });
  if (kind === "missed" || kind === "relayDropped") return fill(w[kind], { detail });
  return fill(w.unknown, { detail });
}

/** ATmega328P data sheet, 11.9.1: the bits of MCUSR. */
function causesOf(
  detail: string,
  { causes, unknownCause }: Pick<NodeWords, "causes" | "unknownCause">,
): string {
  const found = causes.split(",").filter((_, bit) => (Number(detail) >> bit) & 1);
  return found.join(", ") || unknownCause;
}

const provisionCard = (lines: readonly string[], w: NodeWords): Html =>
  html`<h2>${w.provision}</h2>
    <p class="soft">${w.provisionHint}</p>
    <form method="post" action="/operator/nodes/provision">
      <label>
        ${w.line}
        <select name="line">
          ${lines.map((path) => html`<option>${path}</option>`)}
        </select>
      </label>
      <label>
        ${w.interval}
        <input type="number" name="interval" min="1" max="65535" value="${INTERVAL_USUAL}" />
      </label>
      <button>${w.begin}</button>
    </form>`;

function updateCard(all: readonly SiteNode[], mayUpdate: boolean, w: NodeWords): Html {
  const head = html`<h2>${w.update}</h2>`;
  if (!mayUpdate)
    return html`${head}
      <p class="soft">${w.noKey}</p>`;
  return html`${head}
    <p class="soft">${w.updateHint}</p>
    <form method="post" action="/operator/nodes/update" enctype="multipart/form-data">
      <label>${w.image} <input type="file" name="image" required /></label>
      <fieldset class="boxes">
        <legend>${w.nodes}</legend>
        ${all
          .filter(({ device }) => device !== undefined)
          .map(
            ({ entry: { number, firmware }, device }) =>
              html`<label
                ><input type="checkbox" name="node" value="${number}" /> ${number} ${device}
                (${firmware})</label
              >`,
          )}
      </fieldset>
      <button>${w.send}</button>
    </form>`;
}
