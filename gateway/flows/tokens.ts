import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Entropy } from "../../domain/model/index.ts";
import { randomToken, sha256 } from "../../platform/web/secrets.ts";
import { rightsSchema, type Rights } from "./rights.ts";

/**
 * Tokens by which flows come in. The operator makes each, for some rights and until a day; what is kept is its hash.
 * A file of its own, so that a copy of the record opens nothing, and the command line writes it while a gateway runs.
 */
export interface FlowToken {
  readonly id: number;
  readonly name: string;
  readonly rights: Rights;
  /** In the world's time, ms. */
  readonly made: number;
  readonly until: number;
  readonly revoked?: number;
}

/** Who asks: a token that is good now, or the gateway's own Node-RED. */
export interface Grant {
  readonly name: string;
  readonly rights: Rights;
}

export interface FlowTokens extends AsyncDisposable {
  /** The token is told once, here. Throws RangeError when `TOKENS_MAX` are good. */
  add(token: { readonly name: string; readonly rights: Rights; readonly days: number }): {
    readonly token: string;
    readonly id: number;
  };
  /** Newest first. */
  list(): readonly FlowToken[];
  /** False where there is none that is good. */
  revoke(id: number): boolean;
  /** Undefined for what is unknown, over or revoked: asked again at every call, and while a stream goes on. */
  check(token: string): Grant | undefined;
}

export const TOKENS_MAX = 100;
export const TOKEN_DAYS_MAX = 3_660;
/** So that a token is known for one where it is found by mistake. */
const PREFIX = "fwf_";
const DAY_MS = 86_400_000;
const FILE = "flow-tokens.sqlite";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS token (
    id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, rights TEXT NOT NULL, made INTEGER NOT NULL,
    until INTEGER NOT NULL, revoked INTEGER
  ) STRICT`;

function openFile(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
  chmodSync(path, 0o600);
  db.exec(SCHEMA);
  return db;
}

/** Opens (or makes) the tokens' file in the data folder. `wallNow` is the world's time, ms. */
export function openFlowTokens(options: {
  readonly folder: string;
  readonly wallNow: () => number;
  readonly entropy: Entropy;
}): FlowTokens {
  const { wallNow, entropy } = options;
  const db = openFile(`${options.folder}/${FILE}`);
  const good = "revoked IS NULL AND until > ?";
  const find = db.prepare(`SELECT name, rights FROM token WHERE hash = ? AND ${good}`);
  const count = db.prepare(`SELECT count(*) AS n FROM token WHERE ${good}`);
  const all = db.prepare("SELECT * FROM token ORDER BY id DESC LIMIT ?");
  const insert = db.prepare(
    "INSERT INTO token (hash, name, rights, made, until) VALUES (?, ?, ?, ?, ?) RETURNING id",
  );
  const end = db.prepare(`UPDATE token SET revoked = ?1 WHERE id = ?2 AND revoked IS NULL`);
  return {
    add({ name, rights, days }) {
      const now = wallNow();
      if (Number(count.get(now)?.n) >= TOKENS_MAX) throw new RangeError(`There are ${TOKENS_MAX} tokens`);
      const token = `${PREFIX}${randomToken(entropy)}`;
      const row = insert.get(sha256(token), name, JSON.stringify(rights), now, now + days * DAY_MS);
      return { token, id: Number(row?.id) };
    },
    list: () => all.all(TOKENS_MAX * 2).map(tokenOf),
    revoke: (id) => end.run(wallNow(), id).changes > 0,
    check(token) {
      // A stream may ask once more while the gateway ends.
      if (!db.isOpen || !token.startsWith(PREFIX)) return undefined;
      const row = find.get(sha256(token), wallNow());
      return row && { name: String(row.name), rights: rightsOf(row.rights) };
    },
    [Symbol.asyncDispose]() {
      db.close();
      return Promise.resolve();
    },
  };
}

const rightsOf = (text: unknown): Rights => rightsSchema.parse(JSON.parse(String(text)));

const tokenOf = (row: Record<string, unknown>): FlowToken => ({
  id: Number(row.id),
  name: String(row.name),
  rights: rightsOf(row.rights),
  made: Number(row.made),
  until: Number(row.until),
  ...(row.revoked !== null && { revoked: Number(row.revoked) }),
});
