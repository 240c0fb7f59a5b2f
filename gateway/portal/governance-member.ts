import { html } from "hono/html";
import type { DatabaseSync } from "node:sqlite";
import { CHOICES, type Choice } from "../../domain/governance/vote.ts";
import { memberId, type Instant } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import { proposalById, proposals, voteOf, type ProposalRecord } from "../governance/proposals.ts";
import { showPage, speechFor, type Portal, type PortalContext, type Speech } from "./context.ts";
import { fill } from "./format.ts";
import { governanceWords } from "./governance-messages.ts";
import { refusalWords } from "./governance-operator-messages.ts";
import {
  changesCard,
  discussionCard,
  resultCard,
  ruleCard,
  standingLines,
  stateText,
  type Shown,
} from "./governance-parts.ts";

/** The member's pages: what is voted on, what it changes, and the vote. No ballot is preset. */
const isOpen = ({ tally, closes }: ProposalRecord, now: Instant): boolean =>
  tally === undefined && now < closes;

/** The way to the page, and how many open votes wait for this member. */
export function votesLink(
  db: DatabaseSync,
  { member, now }: { readonly member: string; readonly now: Instant },
  { f, language }: Speech,
): Html {
  const w = governanceWords(language);
  const open = proposals(db).filter(
    (one) => isOpen(one, now) && mayVote(one, member) && voteOf(db, one.id, member) === undefined,
  );
  return html`<p>
    <a href="/votes">${w.link}</a>
    ${open.length > 0 ? html`<strong>${fill(w.waiting, { n: f.number(open.length) })}</strong>` : ""}
  </p>`;
}

const mayVote = ({ members }: ProposalRecord, member: string): boolean => members.some((id) => id === member);

export function votesPage(c: PortalContext, portal: Portal): Response | Promise<Response> {
  const speech = speechFor(c, portal);
  const w = governanceWords(speech.language);
  const { read } = portal.store;
  const all = proposals(read);
  return showPage(c, portal, {
    title: w.title,
    styles: ["sharing.css", "governance.css"],
    body: html`
      <h1>${w.title}</h1>
      <section class="card">
        ${standingLines(portal, speech)}
        <p class="soft">${w.hint}</p>
      </section>
      <section class="card">
        ${all.length === 0 ? html`<p>${w.none}</p>` : ""}
        <ul class="entries">
          ${all.map(
            (proposal) =>
              html`<li>
                <a href="/votes/${proposal.id}">${proposal.title}</a>
                <small>${stateText({ proposal, portal, speech })}</small>
                <small>${ownText({ proposal, portal, speech }, c.var.person.id)}</small>
              </li>`,
          )}
        </ul>
      </section>
    `,
  });
}

/** What this member said, or that nothing was said. */
function ownText({ proposal, portal, speech }: Shown, member: string): string {
  const w = governanceWords(speech.language);
  if (!mayVote(proposal, member)) return w.notElector;
  const own = voteOf(portal.store.read, proposal.id, member);
  if (!own) return w.notVoted;
  return fill(own.paper ? w.votedPaper : w.voted, { choice: w[own.choice] });
}

export interface Said {
  readonly kept?: boolean;
  readonly problem?: string;
}

export function votePage(c: PortalContext, portal: Portal, said: Said = {}): Response | Promise<Response> {
  const proposal = proposalById(portal.store.read, Number(c.req.param("id")));
  if (!proposal) return c.redirect("/votes", 303);
  const speech = speechFor(c, portal);
  const w = governanceWords(speech.language);
  const shown = { proposal, portal, speech };
  return showPage(c, portal, {
    title: proposal.title,
    styles: ["sharing.css", "governance.css"],
    body: html`
      <h1>${proposal.title}</h1>
      ${said.problem === undefined ? "" : html`<p class="notice problem" role="alert">${said.problem}</p>`}
      ${said.kept ? html`<p class="notice" role="status">${w.kept}</p>` : ""} ${changesCard(shown)}
      ${discussionCard(proposal, speech)} ${ballotCard(shown, c.var.person.id)} ${resultCard(shown)}
      ${ruleCard(shown)}
      <p><a href="/votes">${w.all}</a></p>
    `,
  });
}

function ballotCard(shown: Shown, member: string): Html {
  const { proposal, portal, speech } = shown;
  const w = governanceWords(speech.language);
  const closes = speech.f.dateTime(proposal.closes);
  const own = voteOf(portal.store.read, proposal.id, member);
  const canVote = isOpen(proposal, portal.clock.now()) && mayVote(proposal, member);
  return html`<section class="card" id="vote">
    <h2>${w.vote}</h2>
    <p><strong>${ownText(shown, member)}</strong></p>
    ${canVote ? html`<p class="soft">${fill(w.mayChange, { closes })}</p>` : ""}
    ${canVote ? ballotForm(proposal.id, speech, own !== undefined) : ""}
  </section>`;
}

const ballotForm = (id: number, { language }: Speech, again: boolean): Html => {
  const w = governanceWords(language);
  return html`<form method="post" action="/votes/${id}">
    <fieldset class="choices">
      <legend>${w.choose}</legend>
      ${CHOICES.map(
        (choice) =>
          html`<label class="choice"
            ><input type="radio" name="choice" value="${choice}" required /> ${w[choice]}</label
          >`,
      )}
    </fieldset>
    <button>${again ? w.change : w.send}</button>
  </form>`;
};

export const choiceOf = (value: unknown): Choice | undefined => CHOICES.find((choice) => choice === value);

/** Keeps a ballot; it is on the disk before the page says so. */
export async function castVote(c: PortalContext, portal: Portal): Promise<Response> {
  const { store, clock } = portal;
  const w = governanceWords(speechFor(c, portal).language);
  const proposal = Number(c.req.param("id"));
  const choice = choiceOf((await c.req.parseBody()).choice);
  if (!choice) return votePage(c, portal, { problem: w.choose });
  if (!clock.trusted()) return votePage(c, portal, { problem: w.clock });
  const casting = { proposal, member: memberId(c.var.person.id), choice, now: clock.now() };
  const step = await store.run("castBallot", casting);
  if (step.kind === "done") return c.redirect(`/votes/${proposal}?kept=1#vote`, 303);
  const why = refusalWords(step.because, speechFor(c, portal).language);
  return votePage(c, portal, { problem: fill(w.refused, { why }) });
}
