import { html } from "hono/html";
import { CHOICES } from "../../domain/governance/vote.ts";
import type { Html } from "../../platform/web/index.ts";
import {
  claimsIn,
  governanceEvents,
  outcomeOf,
  paperWaiting,
  proposalById,
  proposals,
  type GovernanceEvent,
  type ProposalRecord,
} from "../governance/proposals.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { fill } from "./format.ts";
import { governanceWords } from "./governance-messages.ts";
import { operatorWords } from "./governance-operator-messages.ts";
import {
  changesCard,
  discussionCard,
  resultCard,
  ruleCard,
  standingLines,
  stateText,
  type Shown,
} from "./governance-parts.ts";

/** The operator's pages about votes. No page says how a member voted. */
const EVENTS_SHOWN = 30;
const LENGTHS = [
  ["day", 24],
  ["week", 168],
  ["twoWeeks", 336],
  ["month", 720],
] as const;

export interface Told {
  readonly notice?: string;
  readonly problem?: string;
}

const toldNotice = ({ notice, problem }: Told): Html =>
  html`${problem === undefined ? "" : html`<p class="notice problem" role="alert">${problem}</p>`}
  ${notice === undefined ? "" : html`<p class="notice" role="status">${notice}</p>`}`;

export const governanceLink = ({ language }: Speech): Html =>
  html`<a href="/operator/votes">${operatorWords(language).title}</a>`;

export function governancePage(
  c: PortalContext,
  portal: Portal,
  told: Told = {},
): Response | Promise<Response> {
  const speech = speechFor(c, portal);
  const w = operatorWords(speech.language);
  const { read } = portal.store;
  const all = proposals(read);
  return showPage(c, portal, {
    title: w.title,
    styles: ["sharing.css", "governance.css"],
    body: html`
      <h1>${w.title}</h1>
      ${toldNotice(told)}
      <section class="card" id="policy">
        <h2>${w.policy}</h2>
        ${standingLines(portal, speech)}
      </section>
      <section class="card" id="votes">
        <h2>${w.proposals}</h2>
        ${all.length === 0 ? html`<p>${governanceWords(speech.language).none}</p>` : ""}
        <ul class="entries">
          ${all.map(
            (proposal) =>
              html`<li>
                <a href="/operator/votes/${proposal.id}">${proposal.title}</a>
                <small>${stateText({ proposal, portal, speech })}</small>
              </li>`,
          )}
        </ul>
      </section>
      <section class="card" id="propose">${proposeForm(portal, speech)}</section>
      <section class="card" id="audit">
        <h2>${w.audit}</h2>
        <ul class="entries">
          ${governanceEvents(read, EVENTS_SHOWN).map((event) => eventItem(event, speech))}
        </ul>
      </section>
    `,
  });
}

function eventItem({ time, what, by, proposal, says }: GovernanceEvent, { f, language }: Speech): Html {
  const w = operatorWords(language);
  const words: Readonly<Record<string, string>> = {
    proposed: w.proposed,
    counted: w.counted,
    paper: w.paperEvent,
    signed: w.signed,
    activated: w.activatedEvent,
  };
  return html`<li class="any">
    <small>${f.dateTime(time)}</small>
    <a href="/operator/votes/${proposal}">${proposal}</a>: ${fill(words[what] ?? what, { by, says })}
  </li>`;
}

function proposeForm({ site }: Portal, { f, language }: Speech): Html {
  const w = operatorWords(language);
  if (!site.governance)
    return html`<h2>${w.propose}</h2>
      <p>${w.noOfficers}</p>`;
  return html`<h2>${w.propose}</h2>
    <p class="soft">${w.proposeHint}</p>
    <form method="post" action="/operator/votes" enctype="multipart/form-data">
      <label for="file">${w.file}</label>
      <input id="file" type="file" name="file" accept=".yaml,.yml,.json" required />
      <label for="title">${w.name}</label>
      <input id="title" type="text" name="title" maxlength="120" required />
      <label for="by">${w.by}</label>
      <input id="by" type="text" name="by" maxlength="80" required />
      <label for="discussion">${w.discussion}</label>
      <textarea id="discussion" name="discussion" rows="5" maxlength="20000"></textarea>
      <label for="hours">${w.hours}</label>
      <select id="hours" name="hours">
        ${LENGTHS.map(
          ([name, hours]) =>
            html`<option value="${hours}" ${name === "week" ? html`selected` : ""}>${w[name]}</option>`,
        )}
      </select>
      <p class="soft">${fill(w.electorate, { n: f.number(site.members.length) })}</p>
      <button>${w.start}</button>
    </form>`;
}

export function proposalPage(
  c: PortalContext,
  portal: Portal,
  told: Told = {},
): Response | Promise<Response> {
  const proposal = proposalById(portal.store.read, Number(c.req.param("id")));
  if (!proposal) return c.redirect("/operator/votes", 303);
  const speech = speechFor(c, portal);
  const shown = { proposal, portal, speech };
  const outcome = outcomeOf(portal.store.read, proposal, portal.clock.now());
  return showPage(c, portal, {
    title: proposal.title,
    styles: ["sharing.css", "governance.css"],
    body: html`
      <h1>${proposal.title}</h1>
      ${toldNotice(told)} ${resultCard(shown)} ${outcome.kind === "closed" ? countForm(proposal, speech) : ""}
      ${proposal.claims ? certificateCard(shown) : ""} ${outcome.kind === "open" ? paperCard(shown) : ""}
      ${changesCard(shown)} ${discussionCard(proposal, speech)} ${ruleCard(shown)}
      ${hashesCard(proposal, speech)}
      <p><a href="/operator/votes">${governanceWords(speech.language).all}</a></p>
    `,
  });
}

const countForm = ({ id }: ProposalRecord, { language }: Speech): Html =>
  html`<section class="card">
    <form method="post" action="/operator/votes/${id}/count">
      <button>${operatorWords(language).count}</button>
    </form>
  </section>`;

function hashesCard({ policy, electorate, electorateRoot }: ProposalRecord, { f, language }: Speech): Html {
  const w = operatorWords(language);
  return html`<section class="card">
    <p>${fill(w.electorate, { n: f.number(electorate) })}</p>
    <p class="soft">${w.root}</p>
    <p class="key"><code>${electorateRoot}</code></p>
    <p class="soft">${w.hash}</p>
    <p class="key"><code>${policy}</code></p>
  </section>`;
}

function certificateCard({ proposal, speech }: Shown): Html {
  const { f, language } = speech;
  const w = operatorWords(language);
  const { id, signatures, activated } = proposal;
  const names = signatures.map(({ officer }) => officer).join(", ");
  const claims = claimsIn(proposal);
  return html`<section class="card" id="certificate">
    <h2>${w.certificate}</h2>
    <p class="soft">${w.certificateHint}</p>
    ${
      claims
        ? html`<p>
            ${fill(w.ends, { from: f.dateTime(claims.effective), until: f.fullDate(claims.sunset) })}
          </p>`
        : ""
    }
    <p><strong>${fill(w.signatures, { names: names === "" ? w.nobody : names })}</strong></p>
    <p><a href="/operator/votes/${id}/certificate.json" download>${w.download}</a></p>
    <form method="post" action="/operator/votes/${id}/signature" enctype="multipart/form-data">
      <label for="signature">${w.signature}</label>
      <input id="signature" type="file" name="signature" accept=".json" required />
      <p><button class="plain">${w.add}</button></p>
    </form>
    ${activated ? "" : activateForm(id, speech)}
  </section>`;
}

const activateForm = (id: number, { language }: Speech): Html => {
  const w = operatorWords(language);
  return html`<form method="post" action="/operator/votes/${id}/activate">
    <p class="soft">${w.activateHint}</p>
    <button>${w.activate}</button>
  </form>`;
};

function paperCard({ proposal, portal, speech }: Shown): Html {
  const w = operatorWords(speech.language);
  const { site, store } = portal;
  const tellers = site.governance?.tellers ?? [];
  if (tellers.length < 2)
    return html`<section class="card" id="paper">
      <h2>${w.paper}</h2>
      <p class="soft">${w.noTellers}</p>
    </section>`;
  const waiting = paperWaiting(store.read, proposal.id);
  return html`<section class="card" id="paper">
    <h2>${w.paper}</h2>
    <p class="soft">${w.paperHint}</p>
    ${waiting.length > 0 ? html`<p class="any">${fill(w.waits, { members: waiting.join(", ") })}</p>` : ""}
    ${paperForm({ proposal, portal, speech }, tellers)}
  </section>`;
}

function paperForm({ proposal, portal, speech }: Shown, tellers: readonly string[]): Html {
  const w = operatorWords(speech.language);
  const g = governanceWords(speech.language);
  const nameOf = (id: string): string => portal.site.members.find((one) => one.id === id)?.name ?? id;
  const select = (name: string, label: string, options: readonly (readonly [string, string])[]): Html =>
    html`<label for="${name}">${label}</label>
      <select id="${name}" name="${name}" required>
        <option value="" selected disabled></option>
        ${options.map(([value, text]) => html`<option value="${value}">${text}</option>`)}
      </select>`;
  const people = (ids: readonly string[]) => ids.map((id) => [id, `${nameOf(id)} (${id})`] as const);
  return html`<form method="post" action="/operator/votes/${proposal.id}/paper">
    ${select("member", w.member, people(proposal.members))}
    ${select(
      "choice",
      w.choice,
      CHOICES.map((choice) => [choice, g[choice]] as const),
    )}
    ${select("teller", w.teller, people(tellers))}
    <label for="pin">${w.pin}</label>
    <input id="pin" type="password" name="pin" inputmode="numeric" autocomplete="off" required />
    <button class="plain">${w.enter}</button>
  </form>`;
}
