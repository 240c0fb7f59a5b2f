/** The tables of the record that flows write: steps of record/migrations.ts, never changed once they are released. */
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

export const MEMBER_ALERT_TABLES = `
  -- What flows have to say to one member. No id is given twice: a member who is done with one is not done with the next.
  CREATE TABLE member_alert (
    id INTEGER PRIMARY KEY AUTOINCREMENT, member TEXT NOT NULL, key TEXT NOT NULL, time INTEGER NOT NULL,
    severity TEXT NOT NULL, text TEXT NOT NULL, by TEXT NOT NULL, sms INTEGER, UNIQUE (member, key)
  ) STRICT;
  `;
