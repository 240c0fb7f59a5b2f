import type { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { memberId } from "../../domain/model/index.ts";
import { verifyEgressProof, type EgressProof } from "../../protocol/egress-proof.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { verifierKeyToText } from "../../protocol/note.ts";
import { outboxCommands } from "../forward/commands.ts";
import { auditEgress } from "./audit.ts";
import { releaseCommands } from "./commands.ts";
import { logSigner } from "./egress-log.ts";
import { hub, log, member, openSmallLog, proofIn, secret, SEEN } from "../../test/support/proof-file.ts";
import { proofOf } from "./proof.ts";

const keys = { log, secret, witness: hub };
let db: DatabaseSync;

/** Five releases in two passes; the hub has cosigned the head over them and holds them all. */
beforeEach(() => {
  db = openSmallLog([1, 2], [3, 4, 5]);
  outboxCommands.trimOutbox(db, held());
  outboxCommands.saveHeld(db, { kind: "received", from: 1, through: null, held: held(), heard: SEEN });
});

const held = () =>
  db
    .prepare("SELECT release, text FROM egress_leaf ORDER BY release")
    .all()
    .map((row) => ({
      sequence: Number(row.release),
      digest: String((JSON.parse(String(row.text)) as { digest: string }).digest),
      received: SEEN,
    }));

const proof = (sequence = 2): EgressProof => proofIn(db, sequence);

describe("the proof of a release", () => {
  it("holds by itself: what left, when, to whom, seen by whom", () => {
    const verified = verifyEgressProof(JSON.stringify(proof()), { log, witnesses: [hub] });
    expect(verified).toMatchObject({
      ...{ member: "house-01", index: 1, size: 5, trusted: true, log: "fieldwatt/kilimani/egress" },
      leaf: { recipient: "hub", window: { from: 1_800_000, to: 2_700_000 } },
      item: { sequence: 2, summary: { import: 2 } },
      witnessed: [{ name: "hub", time: SEEN }],
    });
  });

  it("is for the member whom it is about, and for nobody else", () => {
    expect(proofOf(db, { sequence: 2, member: memberId("house-02") }, keys)).toBeUndefined();
    expect(proofOf(db, { sequence: 9, member }, keys)).toBeUndefined();
  });

  const other = logSigner("kilimani", generateKeyPair());
  it.each<[string, (file: EgressProof) => EgressProof, string]>([
    [
      "other bytes",
      (file) => ({ ...file, item: file.item.replace('"import":2', '"import":3') }),
      "PROOF_INVALID",
    ],
    ["another member", (file) => ({ ...file, member: { ...file.member, id: "house-02" } }), "PROOF_INVALID"],
    ["the leaf of another release", (file) => ({ ...proof(3), proof: file.proof }), "PROOF_INVALID"],
    [
      "a leaf that was changed",
      (file) => ({ ...file, leaf: file.leaf.replace("hub", "hab") }),
      "PROOF_INVALID",
    ],
    ["another log's key", (file) => ({ ...file, log: verifierKeyToText(other) }), "SIGNATURE_INVALID"],
    [
      "a changed head",
      (file) => ({ ...file, proof: file.proof.replace("\n5\n", "\n6\n") }),
      "SIGNATURE_INVALID",
    ],
    ["a missing part", ({ leaf: _, ...file }) => file as EgressProof, "MESSAGE_INVALID"],
  ])("does not hold with %s", (_what, change, code) => {
    const text = JSON.stringify(change(proof()));
    expect(() => verifyEgressProof(text)).toThrow(expect.objectContaining({ code }));
  });

  it("by the keys of somebody else's log does not hold, though it names its own", () => {
    expect(() => verifyEgressProof(JSON.stringify(proof()), { log: other })).toThrow(
      expect.objectContaining({ code: "SIGNATURE_INVALID" }),
    );
  });
});

describe("the audit", () => {
  const audit = () =>
    auditEgress({ db, log, received: new Map(listed().map(({ sequence, digest }) => [sequence, digest])) });
  const listed = () =>
    db
      .prepare("SELECT sequence, digest FROM hub_held")
      .all()
      .map((row) => ({ sequence: Number(row.sequence), digest: String(row.digest) }));

  it("finds nothing where all is as it was", () => {
    expect(audit()).toEqual({
      releases: 5,
      heads: 2,
      waiting: 0,
      dropped: 0,
      lostToRestore: 0,
      findings: [],
    });
  });

  it.each<[string, string, readonly unknown[]]>([
    [
      "something that was sent and is not in the log",
      `INSERT INTO hub_held VALUES (6, '${"b".repeat(64)}', 0)`,
      [{ kind: "sentNotLogged", sequence: 6, digest: "b".repeat(64) }],
    ],
    [
      "something in the log that never arrived",
      "DELETE FROM hub_held WHERE sequence = 4",
      [{ kind: "loggedNotSent", sequence: 4 }],
    ],
    [
      "what the hub holds though it was dropped before it was sent",
      "INSERT INTO dropped (sequence, time, because) VALUES (4, 0, 'consentWithdrawn')",
      [{ kind: "droppedYetReceived", sequence: 4 }],
    ],
    [
      "other bytes than the hub holds",
      `UPDATE hub_held SET digest = '${"c".repeat(64)}' WHERE sequence = 2`,
      [{ kind: "receivedDiffers", sequence: 2, digest: "c".repeat(64) }],
    ],
    [
      "a release whose bytes were changed later",
      "UPDATE release SET item = replace(item, '\"import\":3', '\"import\":4') WHERE sequence = 3",
      [
        { kind: "leafChanged", sequence: 3 },
        { kind: "receiptDiffers", sequence: 3 },
        { kind: "receivedDiffers", sequence: 3, digest: expect.any(String) },
      ],
    ],
    [
      "a leaf that was taken out",
      "DELETE FROM egress_leaf WHERE release = 5",
      [
        { kind: "leafMissing", sequence: 5 },
        { kind: "headWrong", size: 5 },
      ],
    ],
  ])("names %s", (_what, damage, findings) => {
    db.exec(damage);
    expect(audit().findings).toEqual(findings);
  });

  it("counts what was taken back in time, and does not take it for lost", () => {
    db.exec(
      "INSERT INTO dropped (sequence, time, because) VALUES (4, 0, 'consentWithdrawn'); DELETE FROM hub_held WHERE sequence = 4",
    );
    expect(audit()).toMatchObject({ dropped: 1, findings: [] });
  });

  it("does not take what still waits for lost", () => {
    releaseCommands.release(db, { passed: [], denied: [], completeThrough: 0 });
    db.exec(
      "INSERT INTO outbox SELECT sequence, item FROM release WHERE sequence = 5; DELETE FROM hub_held WHERE sequence = 5",
    );
    expect(audit()).toMatchObject({ waiting: 1, findings: [] });
  });
});
