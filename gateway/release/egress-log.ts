import type { DatabaseSync } from "node:sqlite";
import { checkpointText } from "../../protocol/checkpoint.ts";
import { hashLeaf, type Hash } from "../../protocol/merkle.ts";
import { append, consistencyProof, inclusionProof, rootOf, type Nodes } from "../../protocol/merkle-tree.ts";
import type { KeyPair } from "../../protocol/keys.ts";
import { egressLogName } from "../../protocol/egress-leaf.ts";
import { ED25519, noteToText, signNote, type NoteLine, type NoteSigner } from "../../protocol/note.ts";
import { presentLog } from "./restored.ts";

/**
 * The egress log: a Merkle tree over every release (RFC 6962), its heads signed by this gateway, and the witnesses'
 * cosignatures under them. The functions that write run in the record's writer, in the transaction of the release.
 */
export interface Head {
  readonly size: number;
  /** The signed checkpoint (c2sp.org/tlog-checkpoint), without cosignatures. */
  readonly note: string;
}

/** The gateway under the name of its log. */
export const logSigner = (site: string, { privateKey, publicKey }: KeyPair): NoteSigner => ({
  name: egressLogName(site),
  type: ED25519,
  privateKey,
  publicKey,
});

const nodesOf = (db: DatabaseSync): Nodes => {
  const find = db.prepare("SELECT hash FROM egress_node WHERE level = ? AND position = ?");
  return {
    get(level, index) {
      const row = find.get(level, index);
      if (!row) throw new RangeError(`the egress log lacks the node ${level}/${index}`);
      return row.hash as Hash;
    },
  };
};

/** Leaves that the tree has taken in. */
export const logSize = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT max(position) + 1 AS size FROM egress_node WHERE level = 0").get()?.size ?? 0);

/** Adds the leaf of a release. */
export function appendLeaf(db: DatabaseSync, release: number, text: string): void {
  const hash = Buffer.from(hashLeaf(Buffer.from(text))).toString("hex");
  // The table numbers its leaves from 1 on without gaps: none is ever taken out.
  db.prepare("INSERT INTO egress_leaf (release, hash, text) VALUES (?, ?, ?)").run(release, hash, text);
  growTree(db);
}

/** Takes in the leaves that the tree does not have yet: the newest, and those of a record that had no tree. */
function growTree(db: DatabaseSync): void {
  const nodes = nodesOf(db);
  const insert = db.prepare("INSERT INTO egress_node (level, position, hash) VALUES (?, ?, ?)");
  let size = logSize(db);
  for (const row of db.prepare("SELECT hash FROM egress_leaf WHERE leaf > ? ORDER BY leaf").all(size)) {
    const leaf = Buffer.from(String(row.hash), "hex");
    for (const node of append(nodes, size, leaf)) insert.run(node.level, node.index, node.hash);
    size += 1;
  }
}

/** The head of the log now, signed; undefined while the log is empty. */
export function signHead(db: DatabaseSync, log: NoteSigner): Head | undefined {
  const size = logSize(db);
  if (size === 0) return undefined;
  const signer = presentLog(db, log);
  const text = checkpointText({ origin: signer.name, size, root: rootOf(nodesOf(db), size) });
  return { size, note: noteToText({ text, lines: [signNote(text, signer)] }) };
}

/** The newest head on record, or undefined. */
export function lastHead(db: DatabaseSync): Head | undefined {
  const row = db.prepare("SELECT size, note FROM egress_head ORDER BY size DESC LIMIT 1").get();
  return row && { size: Number(row.size), note: String(row.note) };
}

/** The newest head that covers leaf `index` and that a witness has cosigned; else the newest that covers it. */
export function headOver(db: DatabaseSync, index: number): Head | undefined {
  const sql = `SELECT size, note FROM egress_head WHERE size > ?
    ORDER BY size IN (SELECT size FROM egress_cosignature) DESC, size DESC LIMIT 1`;
  const row = db.prepare(sql).get(index);
  return row && { size: Number(row.size), note: withCosignatures(db, Number(row.size), String(row.note)) };
}

function withCosignatures(db: DatabaseSync, size: number, note: string): string {
  const rows = db.prepare("SELECT line FROM egress_cosignature WHERE size = ? ORDER BY witness").all(size);
  return note + rows.map((row) => String(row.line)).join("");
}

/** How far a witness has followed the log: the size that it cosigned last, 0 before. */
export const witnessedSize = (db: DatabaseSync, witness: string): number =>
  Number(
    db.prepare("SELECT max(size) AS size FROM egress_cosignature WHERE witness = ?").get(witness)?.size ?? 0,
  );

export interface LeafAt {
  /** From 0. */
  readonly index: number;
  /** What was hashed; the item itself where the leaf is older than the form of `leaf.ts`. */
  readonly text: string;
}

/** The leaf of a release, by the release's sequence. */
export function leafOfRelease(db: DatabaseSync, sequence: number): LeafAt | undefined {
  const sql = `SELECT leaf, coalesce(text, item) AS text FROM egress_leaf JOIN release ON release.sequence = release
    WHERE release = ?`;
  const row = db.prepare(sql).get(sequence);
  return row && { index: Number(row.leaf) - 1, text: String(row.text) };
}

export const inclusionIn = (db: DatabaseSync, index: number, size: number): Hash[] =>
  inclusionProof(nodesOf(db), index, size);

export const consistencyIn = (db: DatabaseSync, first: number, size: number): Hash[] =>
  consistencyProof(nodesOf(db), first, size);

export interface Cosignature {
  readonly witness: string;
  readonly size: number;
  readonly line: NoteLine;
}

export const egressCommands = {
  /** Keeps a signed head. One size has one head: the tree below it never changes. */
  saveHead(db: DatabaseSync, { size, note, signed }: Head & { readonly signed: number }): void {
    db.prepare("INSERT OR IGNORE INTO egress_head (size, note, signed) VALUES (?, ?, ?)").run(
      size,
      note,
      signed,
    );
  },

  /** Keeps a witness's line under the head that it cosigned; a repeated one changes nothing. */
  saveCosignature(db: DatabaseSync, { witness, size, line }: Cosignature): void {
    const text = noteToText({ text: "", lines: [line] }).slice(1);
    db.prepare("INSERT OR IGNORE INTO egress_cosignature (witness, size, line) VALUES (?, ?, ?)").run(
      witness,
      size,
      text,
    );
  },
};
