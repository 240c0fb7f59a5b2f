import type { DatabaseSync } from "node:sqlite";
import { labelFor, termOf, type Claims } from "../../domain/governance/certificate.ts";
import type { GovernanceReason, VoteRefusal } from "../../domain/governance/reasons.ts";
import {
  voteFault,
  type Choice,
  type PaperState,
  type Tally,
  type VotingRule,
} from "../../domain/governance/vote.ts";
import { instant, type Instant, type MemberId } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import {
  claimsJson,
  electorateRoot,
  proposalHash,
  proposalJson,
  verifiesFor,
  verifyCertificate,
  type Officer,
  type OfficerSignature,
  type Proposal,
} from "../../protocol/governance.ts";
import { votedPolicy } from "../../protocol/policy.ts";
import { beforeOf, chainOf } from "./chain.ts";
import { OPEN_MAX, paperOf, proposalById, standingTally, type ProposalRecord } from "./proposals.ts";

/** What a step of a vote came to. */
export type Step<Done = object> =
  ({ readonly kind: "done" } & Done) | { readonly kind: "refused"; readonly because: VoteRefusal };
const refused = (because: VoteRefusal): Step<never> => ({ kind: "refused", because });

export interface Proposing {
  /** As it was written: its canonical JSON is what the hash is of. */
  readonly policy: unknown;
  readonly title: string;
  readonly discussion: string;
  readonly by: string;
  readonly now: Instant;
  readonly closes: Instant;
  readonly members: readonly MemberId[];
  readonly rule: VotingRule;
}

export interface Casting {
  readonly proposal: number;
  readonly member: MemberId;
  readonly choice: Choice;
  readonly now: Instant;
}

export interface PaperReading extends Casting {
  readonly teller: string;
}

interface At {
  readonly proposal: number;
  readonly now: Instant;
  readonly by: string;
}

/** Of the site file, as it is now. */
export interface Authority {
  readonly officers: readonly Officer[];
  readonly rule: VotingRule;
}

export interface Signing extends Omit<At, "by"> {
  readonly signature: OfficerSignature;
  readonly officers: readonly Officer[];
}

/** Every step of a vote, each in one transaction: what it answers is on the disk. */
export const governanceCommands = {
  /** Opens a vote. The electorate is that of this moment. */
  openProposal(db: DatabaseSync, asked: Proposing): Step<{ readonly proposal: number }> {
    const policy = votedPolicy.parse(asked.policy);
    const newest = chainOf(db).at(-1)?.policy;
    const follows =
      policy.previous === (newest?.hash ?? null) && policy.version === (newest?.version ?? 0) + 1;
    if (!follows) return refused("doesNotFollow");
    if (!(asked.closes > asked.now)) return refused("closesTooSoon");
    const open = db
      .prepare("SELECT count(*) AS n, sum(policy_hash = ?) AS same FROM policy_proposal WHERE tally IS NULL")
      .get(policy.hash);
    if (Number(open?.same) > 0) return refused("alreadyProposed");
    if (Number(open?.n) >= OPEN_MAX) return refused("tooManyOpen");
    const id = insertProposal(db, proposalFrom(asked, policy.hash), asked);
    return { kind: "done", proposal: id };
  },

  /** Keeps a member's ballot; the last until the close counts. */
  castBallot(db: DatabaseSync, casting: Casting): Step {
    const because = castingFault(db, casting);
    if (because) return refused(because);
    insertBallot(db, casting, null);
    return { kind: "done" };
  },

  /** Keeps what a teller read from a paper ballot; once two read the same, the ballot is cast. */
  readPaper(db: DatabaseSync, reading: PaperReading): Step<{ readonly paper: PaperState }> {
    const because = castingFault(db, reading);
    if (because) return refused(because);
    const { proposal, member, teller, choice, now } = reading;
    db.prepare(
      "INSERT INTO policy_paper (proposal, member, teller, choice, entered) VALUES (?, ?, ?, ?, ?)",
    ).run(proposal, member, teller, choice, now);
    const paper = paperOf(db, proposal, member);
    if (paper.kind === "counts") {
      db.prepare("UPDATE policy_paper SET counted = 1 WHERE proposal = ? AND member = ?").run(
        proposal,
        member,
      );
      insertBallot(db, { ...reading, choice: paper.choice }, JSON.stringify(paper.tellers));
    }
    tell(db, { what: "paper", by: teller, proposal, now, says: member });
    return { kind: "done", paper };
  },

  /** Counts a vote that is over, once and for all. Where it is carried, draws up what the officers sign. */
  countVote(db: DatabaseSync, { proposal: id, now, by }: At): Step<{ readonly tally: Tally }> {
    const proposal = proposalById(db, id);
    if (!proposal) return refused("unknownProposal");
    if (proposal.tally) return { kind: "done", tally: proposal.tally };
    if (now < proposal.closes) return refused("notYetClosed");
    const tally = standingTally(db, proposal);
    const claims = claimsFor(db, proposal, { tally, now });
    db.prepare("UPDATE policy_proposal SET tally = ?, counted = ?, claims = ? WHERE id = ?").run(
      ...[JSON.stringify(tally), now, claims ? canonicalJson(claimsJson(claims)) : null, id],
    );
    tell(db, { what: "counted", by, proposal: id, now, says: `${tally.yes}/${tally.no}/${tally.abstain}` });
    return { kind: "done", tally };
  },

  /** Keeps an officer's signature under the certificate. @returns how many it has of today's officers */
  signCertificate(
    db: DatabaseSync,
    { proposal: id, signature, officers, now }: Signing,
  ): Step<{ readonly signatures: number }> {
    const proposal = proposalById(db, id);
    if (!proposal) return refused("unknownProposal");
    if (!proposal.tally) return refused("notCounted");
    if (!proposal.claims) return refused("noCertificate");
    const officer = officers.find(({ name }) => name === signature.officer);
    if (!officer) return refused("unknownOfficer");
    if (!verifiesFor(proposal.claims, signature, officer.publicKey)) return refused("badSignature");
    db.prepare(
      "INSERT OR REPLACE INTO policy_signature (proposal, officer, signature, signed) VALUES (?, ?, ?, ?)",
    ).run(id, officer.name, signature.signature, now);
    tell(db, { what: "signed", by: officer.name, proposal: id, now });
    return { kind: "done", signatures: signaturesNow(db, id, officers).length };
  },

  /**
   * Puts a certified policy at the end of the chain, or, where it is there already, its signatures of today's officers
   * in the place of earlier ones. Nothing is changed where the certificate does not hold.
   */
  activatePolicy(db: DatabaseSync, { proposal: id, now, by, officers, rule }: At & Authority): Activation {
    const proposal = proposalById(db, id);
    if (!proposal) return { kind: "refused", because: "unknownProposal" };
    if (!proposal.claims) return { kind: "refused", because: proposal.tally ? "notPassed" : "notCounted" };
    const chain = chainOf(db);
    const place = chain.findIndex(({ policy }) => policy.hash === proposal.policy);
    const before = beforeOf(place < 0 ? chain.at(-1) : chain[place - 1]);
    const certificate = { certificate: proposal.claims, signatures: signaturesNow(db, id, officers) };
    // What is in the chain was voted by the rule of its time.
    const today = place < 0 ? { rule } : {};
    const verified = verifyCertificate(certificate, { policy: proposal.voted, before, officers, ...today });
    if (!verified.valid) return { kind: "refused", because: verified.because };
    if (!(now < verified.claims.sunset)) return { kind: "refused", because: "sunsetPassed" };
    insertVersion(db, proposal, { certificate: canonicalJson(certificate), now });
    tell(db, { what: "activated", by, proposal: id, now });
    return { kind: "done", effective: verified.claims.effective, sunset: verified.claims.sunset };
  },
};

export type Activation =
  | { readonly kind: "done"; readonly effective: Instant; readonly sunset: Instant }
  | { readonly kind: "refused"; readonly because: VoteRefusal | GovernanceReason };

function proposalFrom(
  { title, discussion, by, now, closes, members, rule }: Proposing,
  hash: string,
): Proposal {
  return {
    ...{ policy: hash, title, discussion, by, opened: now, closes, rule },
    electorate: new Set(members).size,
    electorateRoot: electorateRoot(members),
  };
}

function insertProposal(
  db: DatabaseSync,
  proposal: Proposal,
  { policy, members, by, now }: Proposing,
): number {
  const sql = `INSERT INTO policy_proposal (hash, policy_hash, proposal, policy, electorate, closes)
    VALUES (?, ?, ?, ?, ?, ?)`;
  const { lastInsertRowid } = db
    .prepare(sql)
    .run(
      ...[
        proposalHash(proposal),
        proposal.policy,
        canonicalJson(proposalJson(proposal)),
        canonicalJson(policy),
      ],
      ...[JSON.stringify([...new Set(members)].toSorted()), proposal.closes],
    );
  const id = Number(lastInsertRowid);
  tell(db, { what: "proposed", by, proposal: id, now });
  return id;
}

/** Why a ballot cannot be taken now. A vote that was counted stays closed, also where the clock was put back. */
function castingFault(db: DatabaseSync, { proposal: id, member, now }: Casting): VoteRefusal | undefined {
  const proposal = proposalById(db, id);
  if (!proposal) return "unknownProposal";
  if (proposal.tally !== undefined || !(now < proposal.closes)) return "closed";
  return proposal.members.includes(member) ? undefined : "notInElectorate";
}

const insertBallot = (
  db: DatabaseSync,
  { proposal, member, choice, now }: Casting,
  tellers: string | null,
): unknown =>
  db
    .prepare("INSERT INTO policy_ballot (proposal, member, choice, cast_at, tellers) VALUES (?, ?, ?, ?, ?)")
    .run(proposal, member, choice, now, tellers);

/** What the officers will sign; undefined where the vote did not carry the policy or it cannot take effect any more. */
function claimsFor(
  db: DatabaseSync,
  proposal: ProposalRecord,
  { tally, now }: { readonly tally: Tally; readonly now: Instant },
): Claims | undefined {
  const { voted, rule } = proposal;
  const link = chainOf(db).find(({ policy }) => policy.hash === voted.previous);
  if (voteFault(tally, rule, labelFor(link?.policy, voted))) return undefined;
  const term = termOf(voted, { certified: now, rule, before: beforeOf(link) });
  if (!(term.sunset > term.effective)) return undefined;
  return {
    ...{ policy: voted.hash, policyVersion: voted.version, previous: voted.previous },
    ...{ proposal: proposal.hash, tally, rule, electorateRoot: proposal.electorateRoot },
    ...{ closed: proposal.closes, certified: instant(now), ...term },
  };
}

/** The signatures that are still an officer's and hold. */
function signaturesNow(db: DatabaseSync, id: number, officers: readonly Officer[]): OfficerSignature[] {
  const { claims, signatures } = proposalById(db, id) ?? {};
  if (!claims || !signatures) return [];
  return signatures.filter((one) => {
    const officer = officers.find(({ name }) => name === one.officer);
    return officer !== undefined && verifiesFor(claims, one, officer.publicKey);
  });
}

function insertVersion(
  db: DatabaseSync,
  { voted, policy, written }: ProposalRecord,
  { certificate, now }: { readonly certificate: string; readonly now: Instant },
): void {
  db.prepare(
    `INSERT INTO policy_version (version, hash, policy, certificate, activated) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (version) DO UPDATE SET certificate = excluded.certificate, activated = excluded.activated
     WHERE hash = excluded.hash`,
  ).run(voted.version, policy, canonicalJson(written), certificate, now);
}

function tell(
  db: DatabaseSync,
  event: {
    readonly what: string;
    readonly by: string;
    readonly proposal: number;
    readonly now: Instant;
    readonly says?: string;
  },
): void {
  db.prepare("INSERT INTO policy_event (time, what, by, proposal, says) VALUES (?, ?, ?, ?, ?)").run(
    ...[event.now, event.what, event.by, event.proposal, event.says ?? null],
  );
}
