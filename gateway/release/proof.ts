import type { KeyObject } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { MemberId } from "../../domain/model/index.ts";
import { logProofToText } from "../../protocol/checkpoint.ts";
import { commitmentOf } from "../../protocol/egress-leaf.ts";
import type { EgressProof } from "../../protocol/egress-proof.ts";
import { COSIGNATURE, verifierKeyToText, type NoteKey } from "../../protocol/note.ts";
import { presentLog } from "./restored.ts";
import { headOver, inclusionIn, leafOfRelease } from "./egress-log.ts";

export interface ProofKeys {
  readonly log: NoteKey;
  /** Behind the salts of the leaves. */
  readonly secret: Uint8Array;
  /** The hub, where there is one. */
  readonly witness?: WitnessKey;
  /** Gateways that cosign the log, too. */
  readonly neighbours?: readonly WitnessKey[];
}

interface WitnessKey {
  readonly name: string;
  readonly publicKey: KeyObject;
}

/**
 * The proof of one release for the member whom it is about.
 *
 * @returns undefined where there is no such release of this member, its bytes are deleted, or no signed head covers it yet
 */
export function proofOf(
  db: DatabaseSync,
  { sequence, member }: { readonly sequence: number; readonly member: MemberId },
  { log, secret, witness, neighbours = [] }: ProofKeys,
): EgressProof | undefined {
  const row = db
    .prepare(
      `SELECT summary, item FROM release WHERE sequence = ?1 AND item <> ''
         AND (member = ?2 OR ?2 IN (SELECT member FROM group_member WHERE sequence = ?1))`,
    )
    .get(sequence, member);
  const leaf = leafOfRelease(db, sequence);
  const head = leaf && headOver(db, leaf.index);
  if (!row || !head) return undefined;
  const { salt } = commitmentOf(secret, member, Number(row.summary));
  const hashes = inclusionIn(db, leaf.index, head.size);
  return {
    format: "fieldwatt-egress-proof",
    version: 1,
    log: verifierKeyToText(presentLog(db, log)),
    witnesses: [...(witness ? [witness] : []), ...neighbours].map((one) =>
      verifierKeyToText({ ...one, type: COSIGNATURE }),
    ),
    leaf: leaf.text,
    item: String(row.item),
    member: { id: member, salt },
    proof: logProofToText({ index: leaf.index, hashes, checkpoint: head.note }),
  };
}
