import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Entropy } from "../../domain/model/index.ts";
import { isLanguage, type Language } from "./language.ts";
import { hashSecret, normaliseCode, randomCode, randomToken, sha256, verifySecret } from "./secrets.ts";
import { THROTTLE_SCHEMA, throttle } from "./throttle.ts";

/**
 * Who may sign in. One small SQLite file of its own, so that a copy of the record carries no secret. Nobody has a
 * default password: a person begins with a one-time link or a claim code and chooses a secret.
 *
 * Lifetimes count in the world's time (`wallNow`, ms), not in the village's, which a demo may run many times faster.
 */
export type Role = "member" | "operator";

export interface Person {
  readonly id: string;
  readonly role: Role;
  /** Absent until the person chose one. */
  readonly language?: Language;
  readonly hasSecret: boolean;
}

export type SignInOutcome =
  | { readonly kind: "signedIn"; readonly person: Person }
  /** Unknown person, wrong secret, used or expired code: one answer for all. */
  | { readonly kind: "refused" }
  | { readonly kind: "wait"; readonly seconds: number };

export interface Accounts extends AsyncDisposable {
  /** Makes the person known; keeps secret and language of one who is. */
  addPerson(person: { readonly id: string; readonly role: Role }): void;
  people(): readonly Person[];
  person(id: string): Person | undefined;
  setLanguage(id: string, language: Language): void;
  setSecret(id: string, secret: string): Promise<void>;
  /** Makes a one-time sign-in token for `/once/TOKEN`. Throws RangeError for an unknown person. */
  makeLink(person: string, options: { readonly minutes: number }): string;
  /** Uses the token up; undefined when it is unknown, used or expired. */
  useLink(token: string): Person | undefined;
  /** Makes a code with which a member can set a PIN; earlier codes of the person end. Throws RangeError for who is no member. */
  makeClaimCode(person: string, options: { readonly days: number }): string;
  /** Uses the code up and sets the secret. Wrong codes are counted. */
  claim(code: string, secret: string): Promise<SignInOutcome>;
  signIn(id: string, secret: string): Promise<SignInOutcome>;
  /** Makes a session; the token belongs in the person's cookie. */
  openSession(person: string): string;
  session(token: string): Person | undefined;
  closeSession(token: string): void;
  /** Ends every session of the person, for example after the secret changed. */
  closeSessions(person: string): void;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
export const SESSION_DAYS = 30;
const ID_LENGTH_MAX = 64;
const PIN_LIMITS = { free: 5, firstWaitMs: 30_000, longestWaitMs: 60 * MINUTE_MS };
/** Codes carry no name, so all wrong ones count together: more are free, and nobody locks the village out for long. */
const CLAIM_LIMITS = { free: 20, firstWaitMs: 5_000, longestWaitMs: 2 * MINUTE_MS };

const migrations: readonly string[] = [
  `
  CREATE TABLE person (id TEXT PRIMARY KEY, role TEXT NOT NULL, secret TEXT, language TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE link (
    token TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, expires INTEGER NOT NULL, used INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE claim_code (
    code TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, expires INTEGER NOT NULL, used INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE session (
    token TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  ${THROTTLE_SCHEMA}
  `,
];

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  // The command line writes into this file while a gateway serves from it.
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON",
  );
  if (path !== ":memory:") chmodSync(path, 0o600);
  const seen = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  for (const [step, sql] of migrations.entries()) {
    if (step >= seen) db.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${step + 1}; COMMIT`);
  }
  return db;
}

/** Opens (or makes) the accounts file. */
export function openAccounts(options: {
  readonly path: string;
  readonly wallNow: () => number;
  readonly entropy: Entropy;
}): Accounts {
  const { wallNow, entropy } = options;
  const db = openDatabase(options.path);
  const people = peopleOf(db);
  const limit = throttle(db, wallNow, PIN_LIMITS);
  const known = (id: string) => {
    const person = people.find(id);
    if (!person) throw new RangeError(`There is no person "${id}"`);
    return person;
  };
  return {
    ...people.face,
    ...oneTimeLinks(db, { wallNow, entropy, people, known }),
    ...claims(db, { wallNow, entropy, people, known }),
    ...sessions(db, { wallNow, entropy, people, known }),
    async setSecret(id, secret) {
      known(id);
      people.keepSecret(id, await hashSecret(secret, entropy));
    },
    async signIn(typed, secret) {
      const id = typed.trim().toLowerCase().slice(0, ID_LENGTH_MAX);
      const key = `person:${id}`;
      const seconds = limit.charge(key);
      if (seconds !== undefined) return { kind: "wait", seconds };
      const person = people.find(id);
      if (!(await verifySecret(secret, people.secret(id))) || !person) return { kind: "refused" };
      limit.forgive(key);
      return { kind: "signedIn", person };
    },
    [Symbol.asyncDispose]: () => {
      db.close();
      return Promise.resolve();
    },
  };
}

interface Parts {
  readonly wallNow: () => number;
  readonly entropy: Entropy;
  readonly people: ReturnType<typeof peopleOf>;
  /** Throws RangeError. */
  known(id: string): Person;
}

function peopleOf(db: DatabaseSync) {
  const columns = "SELECT id, role, language, secret IS NOT NULL AS has_secret FROM person";
  const all = db.prepare(`${columns} ORDER BY id`);
  const one = db.prepare(`${columns} WHERE id = ?`);
  const secret = db.prepare("SELECT secret FROM person WHERE id = ?");
  const add = db.prepare(
    "INSERT INTO person (id, role) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET role = excluded.role",
  );
  const keepSecret = db.prepare("UPDATE person SET secret = ? WHERE id = ?");
  const language = db.prepare("UPDATE person SET language = ? WHERE id = ?");
  const find = (id: string): Person | undefined => personOf(one.get(id));
  return {
    find,
    secret: (id: string): string | undefined => {
      const kept = secret.get(id)?.secret;
      return typeof kept === "string" ? kept : undefined;
    },
    keepSecret: (id: string, hash: string) => void keepSecret.run(hash, id),
    face: {
      addPerson: ({ id, role }: { readonly id: string; readonly role: Role }) => void add.run(id, role),
      people: () => all.all().flatMap((row) => personOf(row) ?? []),
      person: find,
      setLanguage: (id: string, chosen: Language) => void language.run(chosen, id),
    },
  };
}

function personOf(row: Record<string, unknown> | undefined): Person | undefined {
  if (!row) return undefined;
  return {
    id: String(row.id),
    role: row.role === "operator" ? "operator" : "member",
    ...(isLanguage(row.language) && { language: row.language }),
    hasSecret: row.has_secret === 1,
  };
}

function oneTimeLinks(db: DatabaseSync, { wallNow, entropy, people, known }: Parts) {
  const add = db.prepare("INSERT INTO link (token, person, expires) VALUES (?, ?, ?)");
  const expire = db.prepare("DELETE FROM link WHERE expires < ?");
  const use = db.prepare(
    "UPDATE link SET used = ?1 WHERE token = ?2 AND used IS NULL AND expires > ?1 RETURNING person",
  );
  return {
    makeLink(person: string, { minutes }: { readonly minutes: number }) {
      known(person);
      const token = randomToken(entropy);
      expire.run(wallNow() - DAY_MS);
      add.run(sha256(token), person, wallNow() + minutes * MINUTE_MS);
      return token;
    },
    useLink(token: string) {
      const row = use.get(wallNow(), sha256(token));
      return row && people.find(String(row.person));
    },
  };
}

function claims(db: DatabaseSync, { wallNow, entropy, people, known }: Parts) {
  const add = db.prepare("INSERT INTO claim_code (code, person, expires) VALUES (?, ?, ?)");
  const drop = db.prepare("DELETE FROM claim_code WHERE person = ?");
  const use = db.prepare(
    "UPDATE claim_code SET used = ?1 WHERE code = ?2 AND used IS NULL AND expires > ?1 RETURNING person",
  );
  const limit = throttle(db, wallNow, CLAIM_LIMITS);
  return {
    makeClaimCode(person: string, { days }: { readonly days: number }) {
      if (known(person).role !== "member")
        throw new RangeError(`"${person}" is no member: make a link instead`);
      const code = randomCode(entropy);
      drop.run(person);
      add.run(sha256(normaliseCode(code)), person, wallNow() + days * DAY_MS);
      return code;
    },
    async claim(typed: string, secret: string): Promise<SignInOutcome> {
      const seconds = limit.charge("claim");
      if (seconds !== undefined) return { kind: "wait", seconds };
      const hash = await hashSecret(secret, entropy);
      const row = use.get(wallNow(), sha256(normaliseCode(typed)));
      if (!row) return { kind: "refused" };
      people.keepSecret(String(row.person), hash);
      limit.forgive("claim");
      // Whoever lost the PIN comes back with a new code: waits for the old one are over.
      limit.forgive(`person:${String(row.person)}`);
      const person = people.find(String(row.person));
      return person ? { kind: "signedIn", person } : { kind: "refused" };
    },
  };
}

function sessions(db: DatabaseSync, { wallNow, entropy, people, known }: Parts) {
  const add = db.prepare("INSERT INTO session (token, person, expires) VALUES (?, ?, ?)");
  const find = db.prepare("SELECT person FROM session WHERE token = ? AND expires > ?");
  const expire = db.prepare("DELETE FROM session WHERE expires < ?");
  const drop = db.prepare("DELETE FROM session WHERE token = ?");
  const dropAll = db.prepare("DELETE FROM session WHERE person = ?");
  return {
    openSession(person: string) {
      known(person);
      const token = randomToken(entropy);
      expire.run(wallNow());
      add.run(sha256(token), person, wallNow() + SESSION_DAYS * DAY_MS);
      return token;
    },
    session(token: string) {
      const row = find.get(sha256(token), wallNow());
      return row && people.find(String(row.person));
    },
    closeSession: (token: string) => void drop.run(sha256(token)),
    closeSessions: (person: string) => void dropAll.run(person),
  };
}
