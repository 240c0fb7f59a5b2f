import type { DatabaseSync } from "node:sqlite";
import { packOldestRows } from "./blocks/from-rows.ts";

/** SQL, or work that is done piece by piece before its SQL: each piece in a transaction of its own, false after the last. */
export type MigrationStep = string | { readonly piece: (db: DatabaseSync) => boolean; readonly sql: string };

/** The first steps of the record's schema (migrations.ts): from an empty file to readings in blocks. */
export const firstMigrations: readonly MigrationStep[] = [
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
  `
  -- What the clock did, and how readings that came before it was trusted wait for their time (decision 0009).
  -- uptime: ms since boot. time: on the gateway's line; in state unset a lower bound. corrected: ms, where the line moved.
  CREATE TABLE clock_event (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL, uptime INTEGER NOT NULL, time INTEGER NOT NULL, state TEXT NOT NULL,
    source TEXT, because TEXT NOT NULL, corrected INTEGER
  ) STRICT;
  -- own: the device's own stamp, ms since 1970, where it gave one.
  CREATE TABLE undated (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL, uptime INTEGER NOT NULL, stream TEXT NOT NULL, value REAL NOT NULL,
    quality TEXT NOT NULL, own INTEGER
  ) STRICT;
  `,
  `
  CREATE TABLE device (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

  -- What one device said in a part of one UTC day, by column (blocks/codec.ts). Ids are never used twice: what is read
  -- from a block is kept in memory by its id. Frames: of the journal, from which its readings came.
  CREATE TABLE block (
    id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL REFERENCES device, first INTEGER NOT NULL,
    last INTEGER NOT NULL, readings INTEGER NOT NULL, first_frame INTEGER NOT NULL, last_frame INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE INDEX block_device ON block (device, first);
  CREATE INDEX block_frame ON block (last_frame);

  -- UTC days of a device whose blocks have changed: to be rolled up and put together.
  CREATE TABLE touched (device INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (device, day)) STRICT, WITHOUT ROWID;

  -- A civil day of the site for each stream; quarters: its quarter hours by column (rollup-codec.ts), or NULL where it
  -- has so few readings that they are computed anew.
  CREATE TABLE rollup (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL,
    min REAL NOT NULL, max REAL NOT NULL, mean REAL NOT NULL, count INTEGER NOT NULL, coverage REAL NOT NULL,
    quarters BLOB,
    UNIQUE (stream, start)
  ) STRICT;

  -- Blocks that repair took out because they cannot be read: as they were.
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, device INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    readings INTEGER NOT NULL, first_frame INTEGER NOT NULL, last_frame INTEGER NOT NULL, data BLOB, found INTEGER NOT NULL
  ) STRICT;

  -- What retention has deleted: readings of a class, all of them before through.
  CREATE TABLE retired (
    class TEXT PRIMARY KEY, through INTEGER NOT NULL, readings INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The egress log as a tree (RFC 6962): leaves as text (null: the release's item itself), the full subtrees over them,
  -- the signed heads (c2sp.org/tlog-checkpoint) and the lines that witnesses put under them.
  ALTER TABLE egress_leaf ADD COLUMN text TEXT;
  CREATE TABLE egress_node (
    level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE egress_head (size INTEGER PRIMARY KEY, note TEXT NOT NULL, signed INTEGER NOT NULL) STRICT;
  CREATE TABLE egress_cosignature (
    witness TEXT NOT NULL, size INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY (witness, size)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX egress_leaf_release ON egress_leaf (release);
  `,
  `
  -- What the hub says that it holds of this gateway, by its signed lists; heard: when the list came.
  CREATE TABLE hub_held (sequence INTEGER PRIMARY KEY, digest TEXT NOT NULL, heard INTEGER NOT NULL) STRICT;
  `,
  `
  -- The continuity ledger (domain/energy/continuity.ts): what counters did, and what people said of it; it only grows.
  CREATE TABLE continuity_event (
    id INTEGER PRIMARY KEY, stream TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, before_time INTEGER NOT NULL,
    before REAL NOT NULL, after REAL NOT NULL, factor REAL, proposed INTEGER NOT NULL, found INTEGER NOT NULL,
    UNIQUE (stream, at)
  ) STRICT;
  CREATE TABLE continuity_entry (
    id INTEGER PRIMARY KEY, event INTEGER NOT NULL REFERENCES continuity_event, made INTEGER NOT NULL, by TEXT NOT NULL,
    says TEXT NOT NULL, resolution TEXT, effect INTEGER
  ) STRICT;
  CREATE INDEX continuity_entry_event ON continuity_entry (event);

  -- Versions: the newest stands in interval and summary, what it replaced here.
  ALTER TABLE interval ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  CREATE TABLE interval_version (
    stream TEXT NOT NULL, start INTEGER NOT NULL, version INTEGER NOT NULL, energy INTEGER NOT NULL,
    provenance TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (stream, start, version)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE summary ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  CREATE TABLE summary_version (
    summary INTEGER NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (summary, version)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE release ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  -- The release that this one corrects.
  ALTER TABLE release ADD COLUMN corrects INTEGER;
  CREATE INDEX release_summary ON release (summary, offer);

  -- Stretches of devices to be looked at again, [from, to] of the readings or decisions that touched them.
  CREATE TABLE reopened (
    device TEXT PRIMARY KEY, "from" INTEGER NOT NULL, "to" INTEGER NOT NULL, touched INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- Registers at slot boundaries: they come from the readings again, whenever they are asked for.
  DROP TABLE boundary;
  `,
  // Readings live in the journal and in blocks; those of older records move there.
  { piece: packOldestRows, sql: "DROP TABLE reading" },
];
