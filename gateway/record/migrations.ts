/**
 * The record's schema, one step after another; a step is never changed once it is released. `PRAGMA user_version`
 * holds the number of steps that a file has seen.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

  -- (time, stream) in this order: new rows land on the last pages of the tree, which keeps writes few.
  -- quality: 0 ok, 1 stale, 2 sentinel, 3 implausible, 4 estimated.
  CREATE TABLE reading (
    time INTEGER NOT NULL, stream INTEGER NOT NULL REFERENCES stream, value REAL NOT NULL, quality INTEGER NOT NULL,
    PRIMARY KEY (time, stream)
  ) STRICT, WITHOUT ROWID;

  -- The register's value at a slot boundary, decided once: intervals on both sides share it, so that sums telescope.
  CREATE TABLE boundary (
    stream TEXT NOT NULL, time INTEGER NOT NULL, register INTEGER NOT NULL, filled INTEGER NOT NULL,
    PRIMARY KEY (stream, time)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE interval (
    stream TEXT NOT NULL, start INTEGER NOT NULL, energy INTEGER NOT NULL, provenance TEXT NOT NULL,
    PRIMARY KEY (stream, start)
  ) STRICT, WITHOUT ROWID;

  -- What could leave, as JSON of a Summary; key is the slot's start (ms) or the civil day.
  CREATE TABLE summary (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, member TEXT NOT NULL, key TEXT NOT NULL, time INTEGER NOT NULL,
    summary TEXT NOT NULL, decided INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, member, key)
  ) STRICT;
  CREATE INDEX summary_undecided ON summary (id) WHERE decided = 0;
  CREATE INDEX summary_member ON summary (member, kind, time);

  CREATE TABLE progress (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE consent (
    id INTEGER PRIMARY KEY, member TEXT NOT NULL, offer TEXT NOT NULL, purpose TEXT NOT NULL, recipient TEXT NOT NULL,
    policy_version INTEGER NOT NULL, given INTEGER NOT NULL, expires INTEGER NOT NULL, withdrawn INTEGER
  ) STRICT;
  CREATE INDEX consent_member ON consent (member, offer);

  -- A release, its leaf and its place in the outbox are written in one transaction.
  CREATE TABLE release (
    sequence INTEGER PRIMARY KEY, summary INTEGER NOT NULL REFERENCES summary, member TEXT NOT NULL,
    subject TEXT NOT NULL, offer TEXT NOT NULL, recipient TEXT NOT NULL, released INTEGER NOT NULL,
    item TEXT NOT NULL
  ) STRICT;
  CREATE INDEX release_member ON release (member, released);
  CREATE INDEX release_subject ON release (subject);
  CREATE TABLE egress_leaf (
    leaf INTEGER PRIMARY KEY, release INTEGER NOT NULL REFERENCES release, hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE outbox (sequence INTEGER PRIMARY KEY REFERENCES release, item TEXT NOT NULL) STRICT;
  CREATE TABLE receipt (
    sequence INTEGER PRIMARY KEY, digest TEXT NOT NULL, received INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE answer (
    sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, member TEXT, key TEXT NOT NULL, received INTEGER NOT NULL,
    answer TEXT NOT NULL
  ) STRICT;
  CREATE INDEX answer_member ON answer (member, kind, key);
  `,
];
