import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { memberId } from "../../domain/model/index.ts";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { checkConsistency, checkInclusion, hashLeaf } from "../../protocol/merkle.ts";
import { migrations } from "../record/migrations.ts";
import {
  appendLeaf,
  consistencyIn,
  egressCommands,
  headOver,
  inclusionIn,
  leafOfRelease,
  logSigner,
  logSize,
  signHead,
} from "./egress-log.ts";
import { commit, commitmentOf } from "../../protocol/egress-leaf.ts";

const signer = logSigner("kilimani", generateKeyPair());
const keys = { log: signer, witnesses: [] };
let db: DatabaseSync;

/** A record's tables with releases 1 to `count`, whose summaries nobody asks for. */
function openTables(): DatabaseSync {
  const tables = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  for (const step of migrations) if (typeof step === "string") tables.exec(step);
  return tables;
}

function release(sequence: number, item: string): void {
  const columns = "sequence, summary, member, subject, offer, recipient, released, item";
  db.prepare(`INSERT INTO release (${columns}) VALUES (?, 1, 'm', 's', 'o', 'hub', 0, ?)`).run(
    sequence,
    item,
  );
}

beforeEach(() => {
  db = openTables();
});

const headOf = (note: string) => openCheckpoint(note, keys).checkpoint;

describe("the egress log", () => {
  it("proves each release under its signed head, and that every head continues the one before", () => {
    const heads = Array.from({ length: 20 }, (_, i) => {
      release(i + 1, `item ${i}`);
      appendLeaf(db, i + 1, `leaf ${i}`);
      return headOf(signHead(db, signer)?.note ?? "");
    });
    const last = heads.at(-1);
    expect(last?.size).toBe(20);
    for (const [i, head] of heads.entries()) {
      const found = leafOfRelease(db, i + 1);
      expect(found).toEqual({ index: i, text: `leaf ${i}` });
      const inclusion = {
        ...{ index: BigInt(i), size: 20n, leafHash: hashLeaf(Buffer.from(`leaf ${i}`)) },
        ...{ root: last?.root ?? Buffer.alloc(0), proof: inclusionIn(db, i, 20) },
      };
      expect(checkInclusion(inclusion)).toBeUndefined();
      const growth = {
        ...{ size1: BigInt(head.size), size2: 20n, root1: head.root, root2: last?.root ?? Buffer.alloc(0) },
        proof: consistencyIn(db, head.size, 20),
      };
      expect(checkConsistency(growth)).toBeUndefined();
    }
  });

  it("takes in the leaves of a record that had no tree yet", () => {
    for (const i of [1, 2, 3]) {
      release(i, `item ${i}`);
      const hash = Buffer.from(hashLeaf(Buffer.from(`item ${i}`))).toString("hex");
      db.prepare("INSERT INTO egress_leaf (release, hash) VALUES (?, ?)").run(i, hash);
    }
    release(4, "item 4");
    appendLeaf(db, 4, "leaf 4");
    expect(logSize(db)).toBe(4);
    const { root } = headOf(signHead(db, signer)?.note ?? "");
    const old = leafOfRelease(db, 2);
    expect(old).toEqual({ index: 1, text: "item 2" });
    const proof = inclusionIn(db, 1, 4);
    const inclusion = { index: 1n, size: 4n, leafHash: hashLeaf(Buffer.from("item 2")), root, proof };
    expect(checkInclusion(inclusion)).toBeUndefined();
  });

  it("has no head before the first release", () => {
    expect(signHead(db, signer)).toBeUndefined();
    expect(headOver(db, 0)).toBeUndefined();
  });

  it("shows a leaf under a head that a witness cosigned, rather than under a newer one that none did", () => {
    for (const i of [1, 2]) {
      release(i, "");
      appendLeaf(db, i, `leaf ${i}`);
      const head = signHead(db, signer);
      if (head) egressCommands.saveHead(db, { ...head, signed: i });
    }
    const line = { name: "hub", keyId: Buffer.alloc(4, 1), signature: Buffer.alloc(72, 2) };
    egressCommands.saveCosignature(db, { witness: "hub", size: 1, line });
    expect(headOver(db, 0)?.size).toBe(1);
    expect(headOver(db, 0)?.note).toContain("— hub ");
    expect(headOver(db, 1)?.size).toBe(2);
  });
});

describe("a member's place in a leaf", () => {
  const secret = Buffer.alloc(32, 7);
  it("is told by salt and name, and by nothing less", () => {
    const { salt, hash } = commitmentOf(secret, memberId("house-07"), 12);
    expect(commit(salt, "house-07")).toBe(hash);
    expect(commit(salt, "house-08")).not.toBe(hash);
    expect(commitmentOf(secret, memberId("house-07"), 13).hash).not.toBe(hash);
  });
});
