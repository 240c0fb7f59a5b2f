/** The tables of the record that flows write: a step of record/migrations.ts, never changed once it is released. */
export const FLOW_TABLES = `
  -- What operators' flows did (gateway/flows). flow_write: the time that a flow's own id was given; kept: when it came
  -- last. by: the token's name, or a person.
  CREATE TABLE flow_write (
    device TEXT NOT NULL, id TEXT NOT NULL, time INTEGER NOT NULL, kept INTEGER NOT NULL, PRIMARY KEY (device, id)
  ) STRICT;
  CREATE INDEX flow_write_kept ON flow_write (kept);
  CREATE TABLE actuator_event (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, actuator TEXT NOT NULL, wanted TEXT NOT NULL, outcome TEXT NOT NULL,
    because TEXT NOT NULL, by TEXT NOT NULL
  ) STRICT;
  CREATE TABLE actuator_override (actuator TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE flow_alert (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, time INTEGER NOT NULL, severity TEXT NOT NULL, text TEXT NOT NULL,
    by TEXT NOT NULL, sms TEXT
  ) STRICT;
  `;
