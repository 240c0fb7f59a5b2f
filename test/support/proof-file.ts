import { DatabaseSync } from "node:sqlite";
import { memberId } from "../../domain/model/index.ts";
import { checkpointText, openCheckpoint } from "../../protocol/checkpoint.ts";
import { commitmentOf } from "../../protocol/egress-leaf.ts";
import type { EgressProof } from "../../protocol/egress-proof.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { COSIGNATURE, signNote, verifierKeyToText } from "../../protocol/note.ts";
import { migrations } from "../../gateway/record/migrations.ts";
import { releaseCommands, type Passed } from "../../gateway/release/commands.ts";
import { logSigner, signHead } from "../../gateway/release/egress-log.ts";
import { proofOf } from "../../gateway/release/proof.ts";

/** Proof files of a small log with a witness, good ones and one of each kind that must not hold. */
export const log = logSigner("kilimani", generateKeyPair());
export const hub = { name: "hub", type: COSIGNATURE, ...generateKeyPair() } as const;
export const secret = Buffer.alloc(32, 5);
export const member = memberId("house-01");
export const SEEN = Date.UTC(2026, 5, 15, 12);

const passed = (summaryId: number): Passed => ({
  ...{ summaryId, member, subject: "0".repeat(32), recipient: "hub", released: SEEN },
  item: {
    ...{ offer: "trading", purpose: "dpv:ServiceProvision", policyVersion: 1 },
    summary: {
      ...{ kind: "energyInterval", subject: "0".repeat(32), start: summaryId * 900_000 },
      ...{ import: summaryId, export: 0, production: 0, consumption: summaryId, selfConsumption: 0 },
      provenance: "counted",
    },
  },
  leaf: {
    ...{ version: 1, offer: "trading", policy: "a".repeat(64), recipient: "hub" },
    window: { from: summaryId * 900_000, to: (summaryId + 1) * 900_000 },
    members: [commitmentOf(secret, member, summaryId).hash],
  },
});

/** A record with the releases of some passes, each pass under a signed head; the hub has cosigned the last. */
export function openSmallLog(...passes: readonly (readonly number[])[]): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  for (const step of migrations) if (typeof step === "string") db.exec(step);
  const insert = db.prepare(
    "INSERT INTO summary (id, kind, member, key, time, summary) VALUES (?, 'k', 'm', ?, 0, '{}')",
  );
  for (const ids of passes) {
    for (const id of ids) insert.run(id, String(id));
    releaseCommands.release(db, { passed: ids.map(passed), denied: [], completeThrough: 0 });
    const head = signHead(db, log);
    if (!head) throw new Error("a log without a head");
    releaseCommands.saveHead(db, { ...head, signed: SEEN });
    if (ids === passes.at(-1)) cosign(db, head);
  }
  return db;
}

function cosign(db: DatabaseSync, { note, size }: { readonly note: string; readonly size: number }): void {
  const { checkpoint } = openCheckpoint(note, { log, witnesses: [] });
  const line = signNote(checkpointText(checkpoint), hub, SEEN);
  releaseCommands.saveCosignature(db, { witness: "hub", size, line });
}

export function proofIn(db: DatabaseSync, sequence: number): EgressProof {
  const proof = proofOf(db, { sequence, member }, { log, secret, witness: hub });
  if (!proof) throw new Error(`no proof of ${sequence}`);
  return proof;
}

/** The proofs of a log of so many releases, the first to the last. */
export function proofFiles(releases: number): EgressProof[] {
  const ids = Array.from({ length: releases }, (_, i) => i + 1);
  using db = openSmallLog(ids);
  return ids.map((id) => proofIn(db, id));
}

const other = logSigner("kilimani", generateKeyPair());

/** What can be wrong with a file, and the reason that a reader is told. */
export const damages: readonly (readonly [
  what: string,
  (file: EgressProof, next: EgressProof) => unknown,
  string,
])[] = [
  ["other bytes", (f) => ({ ...f, item: f.item.replace('"import":2', '"import":3') }), "otherBytes"],
  ["another member", (f) => ({ ...f, member: { ...f.member, id: "house-02" } }), "otherMember"],
  ["another salt", (f) => ({ ...f, member: { ...f.member, salt: "0".repeat(32) } }), "otherMember"],
  ["the leaf of another release", (f, next) => ({ ...next, proof: f.proof }), "notInLog"],
  ["a leaf that was changed", (f) => ({ ...f, leaf: f.leaf.replace("hub", "hab") }), "notInLog"],
  ["another log's key", (f) => ({ ...f, log: verifierKeyToText(other) }), "notSigned"],
  ["a changed size of the log", (f) => ({ ...f, proof: f.proof.replace("\n5\n", "\n6\n") }), "notSigned"],
  ["another place in the log", (f) => ({ ...f, proof: f.proof.replace("index 1", "index 2") }), "notInLog"],
  ["a hash too few", (f) => ({ ...f, proof: f.proof.replace(/\n[^\n]{44}\n\n/, "\n\n") }), "notInLog"],
  ["no signature", (f) => ({ ...f, proof: f.proof.replace(/— fieldwatt[^\n]*\n/, "") }), "notSigned"],
  [
    "a witness's line that was changed",
    (f) => ({
      ...f,
      proof: f.proof.replace(/(— hub \S{20})(.)/, (_, a: string, b: string) => a + (b === "A" ? "B" : "A")),
    }),
    "notSigned",
  ],
  [
    // A character before "==" says two bits of a byte and four that are zero (RFC 4648, 3.5).
    "a signature in other letters for the same bytes",
    (f) => ({
      ...f,
      proof: f.proof.replace(
        /(.)==\n$/,
        (_, last: string) => `${{ A: "B", Q: "R", g: "h", w: "x" }[last]}==\n`,
      ),
    }),
    "notAProof",
  ],
  ["a missing part", ({ leaf: _, ...f }) => f, "notAProof"],
  ["an unknown part", (f) => ({ ...f, more: 1 }), "notAProof"],
  ["another format", (f) => ({ ...f, format: "something" }), "notAProof"],
  ["something else altogether", () => ["a photo"], "notAProof"],
];
