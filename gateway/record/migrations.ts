import { FLOW_TABLES, MEMBER_ALERT_TABLES } from "../flows/tables.ts";
import { GOVERNANCE_TABLES } from "../governance/tables.ts";
import { firstMigrations, type MigrationStep } from "./first-migrations.ts";

export type { MigrationStep } from "./first-migrations.ts";

/**
 * The record's schema, one step after another; a step is never changed once it is released. `PRAGMA user_version`
 * holds the number of steps that a file has seen.
 */
export const migrations: readonly MigrationStep[] = [
  ...firstMigrations,
  `
  -- tried: when a release was first handed to the wire. What waited before this column was there may have been.
  ALTER TABLE release ADD COLUMN tried INTEGER;
  UPDATE release SET tried = released WHERE sequence IN (SELECT sequence FROM outbox);
  -- Releases that were taken out of the outbox because the yes no longer stood; told: the hub knows of the gap.
  CREATE TABLE dropped (
    sequence INTEGER PRIMARY KEY REFERENCES release, time INTEGER NOT NULL, because TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX dropped_untold ON dropped (sequence) WHERE told = 0;
  `,
  `
  -- Each time that the record came out of a backup: the releases first to last are with the hub and not here.
  CREATE TABLE restoration (
    id INTEGER PRIMARY KEY, restored INTEGER NOT NULL, settled INTEGER NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL
  ) STRICT;
  -- Heads of the egress log under the names that it had before.
  CREATE TABLE egress_ended (
    name TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, signed INTEGER NOT NULL, PRIMARY KEY (name, size)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The policies under which consents were given (protocol/policy.ts): a yes is to one policy by its hash. '' where it
  -- is older than hashes: it counts under no policy any more, and the member is asked again.
  CREATE TABLE consented_policy (hash TEXT PRIMARY KEY, policy TEXT NOT NULL) STRICT, WITHOUT ROWID;
  -- Somebody may say yes for a member. scope: "all", or a JSON list of offers.
  CREATE TABLE mandate (
    id INTEGER PRIMARY KEY, guardian TEXT NOT NULL, member TEXT NOT NULL, scope TEXT NOT NULL, "from" INTEGER NOT NULL,
    until INTEGER NOT NULL, revoked INTEGER, revoked_by TEXT
  ) STRICT;
  CREATE INDEX mandate_member ON mandate (member);
  ALTER TABLE consent ADD COLUMN policy_hash TEXT NOT NULL DEFAULT '';
  ALTER TABLE consent ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE consent ADD COLUMN mandate INTEGER REFERENCES mandate;
  `,
  `
  -- Frames of the journal that a commit had and that could not be read: what is gone stays known when all is packed.
  CREATE TABLE lost_frames (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, after INTEGER, before INTEGER
  ) STRICT;
  `,
  GOVERNANCE_TABLES,
  FLOW_TABLES,
  `
  -- Forgetting. erasure: what a recipient was asked to delete after a yes ended, signed, and its signed answer.
  CREATE TABLE erasure (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, member TEXT NOT NULL, offer TEXT NOT NULL,
    recipient TEXT NOT NULL, asked INTEGER NOT NULL, request TEXT NOT NULL, answered INTEGER, answer TEXT
  ) STRICT;
  CREATE INDEX erasure_member ON erasure (member);
  CREATE INDEX erasure_open ON erasure (id) WHERE answer IS NULL;
  -- outcome: of the answer; until: of what the law keeps. A group's sum is asked about by each who leaves it.
  CREATE TABLE erasure_release (
    release INTEGER NOT NULL REFERENCES release, erasure INTEGER NOT NULL REFERENCES erasure, outcome TEXT,
    until INTEGER, PRIMARY KEY (release, erasure)
  ) STRICT, WITHOUT ROWID;
  -- Consents that ended, and after which all that left was asked for.
  CREATE TABLE consent_ended (consent INTEGER PRIMARY KEY REFERENCES consent) STRICT;
  -- Members who had deleted what is held about them here. deleted: when it left the tables; cleaned: when its bytes
  -- left the files; report: what went and what stays, as JSON.
  CREATE TABLE forgetting (
    id INTEGER PRIMARY KEY, member TEXT NOT NULL, by TEXT NOT NULL, asked INTEGER NOT NULL, deleted INTEGER,
    cleaned INTEGER, report TEXT
  ) STRICT;
  `,
  `
  -- Witnesses. witness_word: what one of this gateway's log said last; because: why it does not cosign (null: it does),
  -- and since when.
  CREATE TABLE witness_word (
    witness TEXT PRIMARY KEY, heard INTEGER NOT NULL, size INTEGER NOT NULL, because TEXT, since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- The newest head of each neighbour's log that was cosigned here, and heads that do not go with it. proven: the log
  -- itself signed two heads of one size.
  CREATE TABLE watched_head (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL, note TEXT NOT NULL, seen INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE watched_evidence (
    origin TEXT NOT NULL, head TEXT NOT NULL, size INTEGER NOT NULL, because TEXT NOT NULL, proven INTEGER NOT NULL,
    seen INTEGER NOT NULL, PRIMARY KEY (origin, head)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Group statistics. The fixed partition of an offer's members; who of them stood when an epoch's cohorts were frozen;
  -- what was decided for each window, once; and who is inside of each release, with the epsilon that it cost each.
  CREATE TABLE cohort_partition (
    offer TEXT NOT NULL, member TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (offer, member)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE cohort_epoch (
    offer TEXT NOT NULL, start INTEGER NOT NULL, frozen INTEGER NOT NULL, PRIMARY KEY (offer, start)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE cohort_member (
    offer TEXT NOT NULL, start INTEGER NOT NULL, block INTEGER NOT NULL, member TEXT NOT NULL,
    PRIMARY KEY (offer, start, member)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE group_window (
    offer TEXT NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, decided INTEGER NOT NULL,
    because TEXT, sequence INTEGER REFERENCES release, least_members INTEGER, purpose TEXT, recipient TEXT, epsilon TEXT,
    PRIMARY KEY (offer, start)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX group_window_sequence ON group_window (sequence);
  CREATE TABLE group_member (
    sequence INTEGER NOT NULL REFERENCES release, member TEXT NOT NULL, PRIMARY KEY (sequence, member)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX group_member_member ON group_member (member);
  `,
  MEMBER_ALERT_TABLES,
];
