import { html } from "hono/html";
import { changesOf } from "../../domain/governance/certificate.ts";
import { labelOf } from "../../domain/consent/compare.ts";
import { leastOf, thresholdFor } from "../../domain/governance/vote.ts";
import { compareRationals, rational, rationalToText } from "../../domain/model/index.ts";
import type { Html } from "../../platform/web/index.ts";
import {
  claimsIn,
  outcomeOf,
  predecessor,
  standingTally,
  type Outcome,
  type ProposalRecord,
} from "../governance/proposals.ts";
import type { Portal, Speech } from "./context.ts";
import { fill } from "./format.ts";
import { governanceWords } from "./governance-messages.ts";
import { refusalWords } from "./governance-operator-messages.ts";
import { changesBlock, wholePolicy } from "./governance-words.ts";

/** What the member's and the operator's pages about votes have in common. */
export interface Shown {
  readonly proposal: ProposalRecord;
  readonly portal: Portal;
  readonly speech: Speech;
}

export function standingLines({ governance, site }: Portal, { f, language }: Speech): Html {
  const w = governanceWords(language);
  const standing = governance.standing();
  const { waiting } = standing;
  const now =
    standing.kind === "inForce"
      ? fill(w.inForce, { version: standing.link.policy.version, until: f.fullDate(standing.link.sunset) })
      : fill(w.noneInForce, { why: refusalWords(standing.because, language) });
  return html`${site.governance?.demo ? html`<p class="soft">${w.demo}</p>` : ""}
    <p class="${standing.kind === "none" ? "bad" : ""}">${now}</p>
    ${
      waiting
        ? html`<p class="soft">
            ${fill(w.comes, { version: waiting.policy.version, from: f.dateTime(waiting.effective) })}
          </p>`
        : ""
    }`;
}

/** One line about where a vote is. */
export function stateText({ proposal, portal, speech }: Shown): string {
  const w = governanceWords(speech.language);
  const outcome = outcomeOf(portal.store.read, proposal, portal.clock.now());
  if (outcome.kind === "open") return fill(w.open, { closes: speech.f.dateTime(proposal.closes) });
  if (outcome.kind === "closed") return w.closed;
  return outcome.kind === "passed" ? w.passed : `${w.failed}: ${w[outcome.because]}`;
}

export function changesCard({ proposal, portal, speech }: Shown): Html {
  const w = governanceWords(speech.language);
  const changes = changesOf(predecessor(portal.store.read, proposal), proposal.voted);
  return html`<section class="card" id="changes">
    <h2>${w.changes}</h2>
    ${changesBlock(changes, proposal.voted, speech)}
    <details>
      <summary>${w.whole}</summary>
      ${wholePolicy(proposal.voted, speech)}
    </details>
  </section>`;
}

export function discussionCard({ discussion, by }: ProposalRecord, { language }: Speech): Html {
  const w = governanceWords(language);
  const paragraphs = discussion.split(/\n\s*\n/).filter((text) => text.trim() !== "");
  return html`<section class="card" id="discussion">
    <h2>${w.discussion}</h2>
    <p class="soft">${fill(w.by, { by })}</p>
    ${paragraphs.map((text) => html`<p class="any">${text}</p>`)}
    ${paragraphs.length === 0 ? html`<p class="soft">${w.noDiscussion}</p>` : ""}
  </section>`;
}

export function ruleCard({ proposal, portal, speech }: Shown): Html {
  const { f, language } = speech;
  const w = governanceWords(language);
  const before = predecessor(portal.store.read, proposal);
  const threshold = thresholdFor(proposal.rule, labelOf(changesOf(before, proposal.voted)));
  const { majority, delayDays } = threshold;
  const part =
    compareRationals(majority, rational(1n, 2n)) === 0
      ? w.moreThanHalf
      : fill(w.atLeast, { part: rationalToText(majority) });
  const all = proposal.electorate;
  const delay =
    before === undefined
      ? w.ruleFounding
      : delayDays === 0
        ? w.ruleNow
        : fill(w.ruleDelay, { days: delayDays });
  return html`<section class="card">
    <h2>${w.rule}</h2>
    <p>${fill(w.ruleQuorum, { n: f.number(leastOf(all, proposal.rule.quorum)), all: f.number(all) })}</p>
    <p>${fill(w.ruleMajority, { part })}</p>
    <p>${delay}</p>
  </section>`;
}

/** Turnout while it is open, the numbers afterwards; how somebody voted never. */
export function resultCard(shown: Shown): Html {
  const { proposal, portal, speech } = shown;
  const { f, language } = speech;
  const w = governanceWords(language);
  const outcome: Outcome = outcomeOf(portal.store.read, proposal, portal.clock.now());
  const { yes, no, abstain, electorate } =
    "tally" in outcome ? outcome.tally : standingTally(portal.store.read, proposal);
  const [all, n] = [f.number(electorate), f.number(yes + no + abstain)];
  const claims = claimsIn(proposal);
  return html`<section class="card" id="result">
    <h2>${w.result}</h2>
    <p><strong>${stateText(shown)}</strong></p>
    <p>
      ${
        "tally" in outcome
          ? fill(w.counted, { yes: f.number(yes), no: f.number(no), abstain: f.number(abstain), all })
          : fill(w.turnout, { n, all })
      }
    </p>
    ${
      claims && proposal.activated
        ? html`<p>
            ${fill(w.effective, { from: f.dateTime(claims.effective), until: f.fullDate(claims.sunset) })}
          </p>`
        : ""
    }
  </section>`;
}
