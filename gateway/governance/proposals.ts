import type { DatabaseSync } from "node:sqlite";
import { labelFor, type Claims } from "../../domain/governance/certificate.ts";
import {
  paperState,
  tallyOf,
  voteFault,
  type Ballot,
  type Choice,
  type PaperEntry,
  type PaperState,
  type Tally,
  type VoteFault,
} from "../../domain/governance/vote.ts";
import type { Effect } from "../../domain/consent/compare.ts";
import {
  instant,
  memberId,
  type Instant,
  type MemberId,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import {
  choice as choiceSchema,
  claimsOf,
  proposalOf,
  type OfficerSignature,
  type Proposal,
  type WrittenClaims,
} from "../../protocol/governance.ts";
import { votedPolicy } from "../../protocol/policy.ts";
import { chainOf } from "./chain.ts";

/** A proposal under the number that it has on record. */
export interface ProposalRecord extends Proposal {
  readonly id: number;
  readonly hash: string;
  readonly voted: VotedPolicy;
  /** The policy as it was written. */
  readonly written: unknown;
  readonly members: readonly MemberId[];
  /** Once it is counted; it never changes then. */
  readonly tally?: Tally;
  readonly claims?: WrittenClaims;
  readonly signatures: readonly OfficerSignature[];
  readonly activated: boolean;
}

/** The most proposals that a page lists, and that may be open at once. */
export const PROPOSALS_SHOWN = 50;
export const OPEN_MAX = 10;

/** The newest proposals, the newest first. */
export function proposals(db: DatabaseSync, limit = PROPOSALS_SHOWN): readonly ProposalRecord[] {
  const rows = db.prepare("SELECT id FROM policy_proposal ORDER BY id DESC LIMIT ?").all(limit);
  return rows.flatMap(({ id }) => proposalById(db, Number(id)) ?? []);
}

export function proposalById(db: DatabaseSync, id: number): ProposalRecord | undefined {
  const row = db.prepare("SELECT * FROM policy_proposal WHERE id = ?").get(id);
  if (!row) return undefined;
  const written: unknown = JSON.parse(String(row.policy));
  const active = db.prepare("SELECT 1 FROM policy_version WHERE hash = ?").get(String(row.policy_hash));
  return {
    ...proposalOf(JSON.parse(String(row.proposal))),
    ...{ id, hash: String(row.hash), written, voted: votedPolicy.parse(written) },
    members: (JSON.parse(String(row.electorate)) as string[]).map(memberId),
    ...(row.tally !== null && { tally: JSON.parse(String(row.tally)) as Tally }),
    ...(row.claims !== null && { claims: JSON.parse(String(row.claims)) as WrittenClaims }),
    signatures: signaturesOf(db, id),
    activated: active !== undefined,
  };
}

const signaturesOf = (db: DatabaseSync, proposal: number): OfficerSignature[] =>
  db
    .prepare("SELECT officer, signature FROM policy_signature WHERE proposal = ? ORDER BY signed, officer")
    .all(proposal)
    .map((row) => ({ officer: String(row.officer), signature: String(row.signature) }));

/** The claims that were drawn up for the officers, read. */
export const claimsIn = ({ claims }: ProposalRecord): Claims | undefined => claims && claimsOf(claims);

/** The policy that this one is to follow: of the chain, the version before it. */
export const predecessor = (db: DatabaseSync, { voted }: ProposalRecord): VotedPolicy | undefined =>
  chainOf(db).find(({ policy }) => policy.hash === voted.previous)?.policy;

/** What the proposal does to what the co-op voted before. */
export const labelOfProposal = (db: DatabaseSync, proposal: ProposalRecord): Effect =>
  labelFor(predecessor(db, proposal), proposal.voted);

/** Every ballot in the order in which it came; only the last of each member counts. */
function ballotsOf(db: DatabaseSync, proposal: number): Ballot[] {
  const rows = db
    .prepare("SELECT member, choice, cast_at FROM policy_ballot WHERE proposal = ? ORDER BY id")
    .all(proposal);
  return rows.map((row) => ({
    member: memberId(String(row.member)),
    choice: choiceSchema.parse(row.choice),
    cast: instant(Number(row.cast_at)),
  }));
}

/** The votes as they stand, whether or not it is closed. */
export const standingTally = (db: DatabaseSync, { id, members, closes }: ProposalRecord): Tally =>
  tallyOf(ballotsOf(db, id), { electorate: members, closes });

export type Outcome =
  | { readonly kind: "open" }
  /** Closed, and not counted yet. */
  | { readonly kind: "closed" }
  | { readonly kind: "passed"; readonly tally: Tally }
  | { readonly kind: "failed"; readonly tally: Tally; readonly because: VoteFault };

export function outcomeOf(db: DatabaseSync, proposal: ProposalRecord, now: Instant): Outcome {
  const { tally, rule, closes } = proposal;
  if (tally === undefined) return { kind: now < closes ? "open" : "closed" };
  const because = voteFault(tally, rule, labelOfProposal(db, proposal));
  return because === undefined ? { kind: "passed", tally } : { kind: "failed", tally, because };
}

/** What a member said last, and how. */
export interface OwnVote {
  readonly choice: Choice;
  readonly cast: Instant;
  readonly paper: boolean;
}

export function voteOf(db: DatabaseSync, proposal: number, member: string): OwnVote | undefined {
  const row = db
    .prepare(
      `SELECT choice, cast_at, tellers FROM policy_ballot WHERE proposal = ? AND member = ?
       ORDER BY id DESC LIMIT 1`,
    )
    .get(proposal, member);
  return (
    row && {
      choice: choiceSchema.parse(row.choice),
      cast: instant(Number(row.cast_at)),
      paper: row.tellers !== null,
    }
  );
}

/** What tellers read from a member's paper and is no ballot yet. */
export function paperOf(db: DatabaseSync, proposal: number, member: string): PaperState {
  const rows = db
    .prepare(
      `SELECT teller, choice FROM policy_paper WHERE proposal = ? AND member = ? AND counted = 0 ORDER BY id`,
    )
    .all(proposal, member);
  const entries = rows.map((row): PaperEntry => ({
    member: memberId(member),
    teller: String(row.teller),
    choice: choiceSchema.parse(row.choice),
  }));
  return paperState(entries);
}

/** Members whose paper waits for a teller. */
export const paperWaiting = (db: DatabaseSync, proposal: number): readonly string[] =>
  db
    .prepare("SELECT DISTINCT member FROM policy_paper WHERE proposal = ? AND counted = 0 ORDER BY member")
    .all(proposal)
    .map((row) => String(row.member));

export interface GovernanceEvent {
  readonly time: Instant;
  readonly what: string;
  readonly by: string;
  readonly proposal: number;
  readonly says: string;
}

/** What was done about votes, newest first; never what a member voted. */
export function governanceEvents(db: DatabaseSync, limit = PROPOSALS_SHOWN): readonly GovernanceEvent[] {
  const rows = db.prepare("SELECT * FROM policy_event ORDER BY id DESC LIMIT ?").all(limit);
  return rows.map((row) => ({
    time: instant(Number(row.time)),
    ...{ what: String(row.what), by: String(row.by), proposal: Number(row.proposal) },
    says: row.says === null ? "" : String(row.says),
  }));
}
