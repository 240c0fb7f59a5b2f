/**
 * The hub's schema, one step after another; a step is never changed once it is released. Plain SQL that PGlite and
 * PostgreSQL 15 read alike, one statement a string. Times are milliseconds since 1970, energy is Wh, money is minor
 * units; "known" things keep the canonical JSON that was signed or will be.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE gateway (
      id text PRIMARY KEY,
      name text NOT NULL,
      public_key text NOT NULL,
      enrolled boolean NOT NULL,
      last_contact bigint,
      complete_through bigint NOT NULL DEFAULT 0,
      answers_through bigint NOT NULL DEFAULT 0,
      answers_written bigint NOT NULL DEFAULT 0,
      -- Every item up to here is held, so that gaps are looked for only above it.
      items_through bigint NOT NULL DEFAULT 0
    )`,
    `CREATE TABLE item (
      gateway text NOT NULL REFERENCES gateway,
      sequence bigint NOT NULL,
      digest text NOT NULL,
      offer text NOT NULL,
      purpose text NOT NULL,
      policy_version integer NOT NULL,
      kind text NOT NULL,
      received bigint NOT NULL,
      item text NOT NULL,
      PRIMARY KEY (gateway, sequence)
    )`,
    `CREATE TABLE energy_interval (
      gateway text NOT NULL REFERENCES gateway,
      subject text NOT NULL,
      start bigint NOT NULL,
      sequence bigint NOT NULL,
      import_wh bigint NOT NULL,
      export_wh bigint NOT NULL,
      production_wh bigint NOT NULL,
      consumption_wh bigint NOT NULL,
      self_consumption_wh bigint NOT NULL,
      provenance text NOT NULL,
      settled boolean NOT NULL DEFAULT false,
      PRIMARY KEY (gateway, subject, start)
    )`,
    `CREATE INDEX energy_interval_open ON energy_interval (start) WHERE NOT settled`,
    `CREATE TABLE farm_day (
      gateway text NOT NULL REFERENCES gateway,
      subject text NOT NULL,
      day text NOT NULL,
      sequence bigint NOT NULL,
      summary text NOT NULL,
      advised boolean NOT NULL DEFAULT false,
      PRIMARY KEY (gateway, subject, day)
    )`,
    `CREATE INDEX farm_day_open ON farm_day (day) WHERE NOT advised`,
    `CREATE TABLE clearing (
      slot bigint PRIMARY KEY,
      rule text NOT NULL,
      suspended boolean NOT NULL,
      currency text NOT NULL,
      retail bigint NOT NULL,
      feed_in bigint NOT NULL,
      twice_mid bigint NOT NULL,
      demand_wh bigint NOT NULL,
      supply_wh bigint NOT NULL,
      traded_wh bigint NOT NULL,
      grid_bill bigint NOT NULL,
      grid_credit bigint NOT NULL,
      paid bigint NOT NULL,
      received bigint NOT NULL,
      cleared bigint NOT NULL
    )`,
    `CREATE TABLE clearing_share (
      slot bigint NOT NULL REFERENCES clearing,
      gateway text NOT NULL REFERENCES gateway,
      subject text NOT NULL,
      bought_wh bigint NOT NULL,
      sold_wh bigint NOT NULL,
      from_village_wh bigint NOT NULL,
      to_village_wh bigint NOT NULL,
      paid bigint NOT NULL,
      received bigint NOT NULL,
      PRIMARY KEY (slot, gateway, subject)
    )`,
    `CREATE TABLE advice (
      gateway text NOT NULL REFERENCES gateway,
      subject text NOT NULL,
      day text NOT NULL,
      given bigint NOT NULL,
      advice text NOT NULL,
      PRIMARY KEY (gateway, subject, day)
    )`,
    `CREATE INDEX advice_given ON advice (given)`,
    `CREATE TABLE answer (
      gateway text NOT NULL REFERENCES gateway,
      sequence bigint NOT NULL,
      answer text NOT NULL,
      PRIMARY KEY (gateway, sequence)
    )`,
  ],
  [
    // The largest head of each gateway's egress log that this hub cosigned, and heads that contradict it.
    `CREATE TABLE log_head (
      gateway text PRIMARY KEY REFERENCES gateway,
      size bigint NOT NULL,
      root text NOT NULL,
      head text NOT NULL,
      seen bigint NOT NULL
    )`,
    `CREATE TABLE log_contradiction (
      gateway text NOT NULL REFERENCES gateway,
      seen bigint NOT NULL,
      head text NOT NULL,
      because text NOT NULL,
      PRIMARY KEY (gateway, head)
    )`,
  ],
  [
    `ALTER TABLE energy_interval ADD COLUMN version integer NOT NULL DEFAULT 1`,
    // Every correction of a quarter hour that a gateway told. Figures are null where nothing is known any more; cleared:
    // it came after the slot was, so that it is kept and not traded.
    `CREATE TABLE correction (
      gateway text NOT NULL REFERENCES gateway,
      sequence bigint NOT NULL,
      subject text NOT NULL,
      start bigint NOT NULL,
      version integer NOT NULL,
      corrects bigint,
      import_wh bigint,
      export_wh bigint,
      production_wh bigint,
      consumption_wh bigint,
      self_consumption_wh bigint,
      provenance text,
      cleared boolean NOT NULL,
      received bigint NOT NULL,
      PRIMARY KEY (gateway, sequence)
    )`,
    `CREATE INDEX correction_slot ON correction (gateway, subject, start)`,
  ],
  [
    // Sequences that a gateway says it took back before they left: no gaps. Both ends included.
    `CREATE TABLE item_dropped (
      gateway text NOT NULL REFERENCES gateway,
      first bigint NOT NULL,
      last bigint NOT NULL,
      told bigint NOT NULL,
      PRIMARY KEY (gateway, first, last)
    )`,
  ],
  [
    // A gateway whose record came out of a backup begins its log anew, in the next epoch; how far the earlier ones came stays.
    `ALTER TABLE log_head ADD COLUMN epoch integer NOT NULL DEFAULT 1`,
    `ALTER TABLE log_head DROP CONSTRAINT log_head_pkey`,
    `ALTER TABLE log_head ADD PRIMARY KEY (gateway, epoch)`,
  ],
  [
    // What gateways asked to be forgotten, by the digest of the request, with this hub's signed answer.
    `CREATE TABLE erasure (
      gateway text NOT NULL REFERENCES gateway,
      request text NOT NULL,
      answered bigint NOT NULL,
      answer text NOT NULL,
      PRIMARY KEY (gateway, request)
    )`,
    // Numbers of items that are gone for ever: no gaps, and never taken in again.
    `CREATE TABLE item_erased (
      gateway text NOT NULL REFERENCES gateway,
      sequence bigint NOT NULL,
      erased bigint NOT NULL,
      PRIMARY KEY (gateway, sequence)
    )`,
    // Shares of settled slots that stay for the accounts, and until when.
    `CREATE TABLE erasure_hold (
      gateway text NOT NULL REFERENCES gateway,
      subject text NOT NULL,
      slot bigint NOT NULL,
      until bigint NOT NULL,
      PRIMARY KEY (gateway, subject, slot)
    )`,
    `CREATE INDEX erasure_hold_until ON erasure_hold (until)`,
    // One row: since when deleted rows wait to be cleaned out of the files, and when that was last done.
    `CREATE TABLE purge (due bigint, done bigint)`,
    `INSERT INTO purge VALUES (NULL, NULL)`,
  ],
  [
    // Sums over groups of members, one for each offer and window. members: of an exact sum; epsilon: of a noisy one.
    `CREATE TABLE group_statistic (
      gateway text NOT NULL REFERENCES gateway,
      offer text NOT NULL,
      window_from bigint NOT NULL,
      window_to bigint NOT NULL,
      sequence bigint NOT NULL,
      about text NOT NULL,
      value bigint NOT NULL,
      unit text NOT NULL,
      members bigint,
      epsilon text,
      PRIMARY KEY (gateway, offer, window_from)
    )`,
    `CREATE INDEX group_statistic_newest ON group_statistic (window_to)`,
  ],
  [
    // When the time is over that was agreed for an item; null for items that say nothing of it.
    `ALTER TABLE item ADD COLUMN keep_until bigint`,
    `CREATE INDEX item_keep_until ON item (keep_until) WHERE keep_until IS NOT NULL`,
  ],
  [
    // What the gateways' co-ops decided, by the policy's hash. policy, certificate: as they were told. fault: why the
    // certificate does not hold here; covered: it does, or that of a later policy does which names this one.
    `CREATE TABLE policy (
      gateway text NOT NULL REFERENCES gateway,
      hash text NOT NULL,
      version integer NOT NULL,
      policy text NOT NULL,
      certificate text NOT NULL,
      told bigint NOT NULL,
      effective bigint NOT NULL,
      sunset bigint NOT NULL,
      fault text,
      covered boolean NOT NULL,
      PRIMARY KEY (gateway, hash)
    )`,
  ],
];
