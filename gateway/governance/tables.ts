/** What the record keeps of votes: a step of its schema (gateway/record/migrations.ts), never changed once it is released. */
export const GOVERNANCE_TABLES = `
  -- How the co-op decides (domain/governance). proposal: as members read it, canonical JSON, and its hash; policy: as
  -- it was written; electorate: a JSON list of ids; tally: once it is counted; claims: what the officers sign.
  CREATE TABLE policy_proposal (
    id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, policy_hash TEXT NOT NULL, proposal TEXT NOT NULL,
    policy TEXT NOT NULL, electorate TEXT NOT NULL, closes INTEGER NOT NULL, tally TEXT, counted INTEGER, claims TEXT
  ) STRICT;
  -- Ballots only grow: the last of a member counts. tellers: who read it from paper, a JSON list; NULL by session.
  CREATE TABLE policy_ballot (
    id INTEGER PRIMARY KEY, proposal INTEGER NOT NULL REFERENCES policy_proposal, member TEXT NOT NULL,
    choice TEXT NOT NULL, cast_at INTEGER NOT NULL, tellers TEXT
  ) STRICT;
  CREATE INDEX policy_ballot_member ON policy_ballot (proposal, member);
  -- counted: its paper became a ballot.
  CREATE TABLE policy_paper (
    id INTEGER PRIMARY KEY, proposal INTEGER NOT NULL REFERENCES policy_proposal, member TEXT NOT NULL,
    teller TEXT NOT NULL, choice TEXT NOT NULL, entered INTEGER NOT NULL, counted INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE policy_signature (
    proposal INTEGER NOT NULL REFERENCES policy_proposal, officer TEXT NOT NULL, signature TEXT NOT NULL,
    signed INTEGER NOT NULL, PRIMARY KEY (proposal, officer)
  ) STRICT, WITHOUT ROWID;
  -- The chain: each version once, never taken out.
  CREATE TABLE policy_version (
    version INTEGER PRIMARY KEY, hash TEXT NOT NULL, policy TEXT NOT NULL, certificate TEXT NOT NULL,
    activated INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE policy_event (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, what TEXT NOT NULL, by TEXT NOT NULL, proposal INTEGER NOT NULL,
    says TEXT
  ) STRICT;
  `;
