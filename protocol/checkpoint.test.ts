import { describe, expect, it } from "vitest";
import { hashLeaf } from "./merkle.ts";
import { append, inclusionProof, rootOf, type Nodes } from "./merkle-tree.ts";
import { checkpointText, logProofFromText, logProofToText, verifyLogProof } from "./checkpoint.ts";
import { generateKeyPair } from "./keys.ts";
import {
  COSIGNATURE,
  ED25519,
  noteFromText,
  noteToText,
  signNote,
  verifierKeyFromText,
  verifierKeyToText,
  verifyNote,
  type NoteSigner,
} from "./note.ts";

describe("a signed note", () => {
  /** The example of golang.org/x/mod/sumdb/note. */
  const key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const note =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

  it("of another implementation is verified", () => {
    const [verified] = verifyNote(noteFromText(note), [verifierKeyFromText(key)]);
    expect(verified?.key.name).toBe("PeterNeumann");
    expect(verifierKeyToText(verifierKeyFromText(key))).toBe(key);
    expect(noteToText(noteFromText(note))).toBe(note);
  });

  it("whose text was changed is refused", () => {
    const changed = noteFromText(note.replace("answer", "question"));
    expect(() => verifyNote(changed, [verifierKeyFromText(key)])).toThrow(/does not hold/);
  });

  it.each(["", "text only\n", "text\n\n— name\n", `${note}— broken`, note.replace("\n\n", "\n")])(
    "is refused where it is none: %j",
    (source) => expect(() => noteFromText(source)).toThrow(/not a signed note/),
  );
});

const signer = (name: string, type: typeof ED25519 | typeof COSIGNATURE): NoteSigner => ({
  name,
  type,
  ...generateKeyPair(),
});

describe("the proof that a leaf is in the log", () => {
  const log = signer("fieldwatt.example/kilimani/egress", ED25519);
  const witness = signer("hub.example", COSIGNATURE);
  const leaves = ["a", "b", "c", "d", "e"].map((text) => hashLeaf(Buffer.from(text)));
  const kept = new Map<string, Uint8Array>();
  const nodes: Nodes = { get: (level, index) => kept.get(`${level}/${index}`) as Uint8Array };
  leaves.forEach((leaf, size) => {
    for (const { level, index, hash } of append(nodes, size, leaf)) kept.set(`${level}/${index}`, hash);
  });
  const text = checkpointText({ origin: log.name, size: 5, root: rootOf(nodes, 5) });
  const witnessedAt = Date.UTC(2026, 5, 15, 12);
  const checkpoint = noteToText({ text, lines: [signNote(text, log), signNote(text, witness, witnessedAt)] });
  const proof = { index: 2, hashes: inclusionProof(nodes, 2, 5), checkpoint };
  const keys = { log, witnesses: [witness] };

  it("holds without the log, and names its witnesses", () => {
    const read = logProofFromText(logProofToText({ ...proof, extra: Buffer.from("the item") }));
    const { checkpoint: head, witnessed } = verifyLogProof(read, leaves[2] as Uint8Array, keys);
    expect(head.size).toBe(5);
    expect(witnessed.map(({ key, time }) => [key.name, time])).toEqual([["hub.example", witnessedAt]]);
    expect(Buffer.from(read.extra ?? []).toString()).toBe("the item");
  });

  it.each<[string, () => void, string]>([
    ["another leaf", () => verifyLogProof(proof, leaves[1] as Uint8Array, keys), "PROOF_INVALID"],
    [
      "another place",
      () => verifyLogProof({ ...proof, index: 3 }, leaves[2] as Uint8Array, keys),
      "PROOF_INVALID",
    ],
    [
      "a checkpoint that somebody else signed",
      () => verifyLogProof(proof, leaves[2] as Uint8Array, { ...keys, log: signer(log.name, ED25519) }),
      "SIGNATURE_INVALID",
    ],
    [
      "a size that was changed",
      () =>
        verifyLogProof(
          { ...proof, checkpoint: checkpoint.replace("\n5\n", "\n6\n") },
          leaves[2] as Uint8Array,
          keys,
        ),
      "SIGNATURE_INVALID",
    ],
  ])("does not hold for %s", (_what, act, code) => {
    expect(act).toThrow(expect.objectContaining({ code }));
  });
});
