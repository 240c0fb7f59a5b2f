import { z } from "zod";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { logProofFromText, verifyLogProof } from "./checkpoint.ts";
import { leafSchema } from "./egress-leaf-schema.ts";
import { commit, type Leaf } from "./egress-leaf.ts";
import { sha256Hex } from "./keys.ts";
import { hashLeaf } from "./merkle.ts";
import { verifierKeyFromText, type NoteKey } from "./note.ts";

/**
 * What a member takes home about one release: the exact bytes that left, their leaf in the egress log, the member's own
 * place in that leaf, and the proof that the leaf is in the log under a head that witnesses saw. It is checked without
 * the gateway, the hub or a network.
 */
const schema = z.strictObject({
  format: z.literal("fieldwatt-egress-proof"),
  version: z.literal(1),
  /** The keys of log and witnesses (c2sp.org/signed-note); whoever checks compares them with those that it trusts. */
  log: z.string(),
  witnesses: z.array(z.string()).max(20),
  /** The leaf, as it was hashed. */
  leaf: z.string(),
  /** What left, byte for byte. */
  item: z.string(),
  member: z.strictObject({ id: z.string(), salt: z.string().regex(/^[0-9a-f]{32}$/) }),
  /** c2sp.org/tlog-proof, with the signed checkpoint. */
  proof: z.string(),
});
export type EgressProof = z.infer<typeof schema>;

export interface VerifiedProof {
  readonly leaf: Leaf;
  /** What left, as JSON. */
  readonly item: unknown;
  readonly member: string;
  readonly log: string;
  /** Leaf's place, and how large the log was at the head, both counted from 0. */
  readonly index: number;
  readonly size: number;
  /** Who saw this head, and when (ms). */
  readonly witnessed: readonly { readonly name: string; readonly time: number }[];
  /** Whether log and witnesses are those that were asked for, not only those that the file names. */
  readonly trusted: boolean;
}

/** The keys that the one who checks knows from elsewhere; without them the file's own are believed. */
export interface Trust {
  readonly log?: NoteKey;
  readonly witnesses?: readonly NoteKey[];
}

/** The largest proof file, characters. */
const TEXT_MAX = 1_000_000;

/** @throws FieldwattError MESSAGE_INVALID, KEY_INVALID, SIGNATURE_INVALID or PROOF_INVALID, each saying what is wrong */
export function verifyEgressProof(text: string, trust: Trust = {}): VerifiedProof {
  const file = parse(text);
  const leaf = leafOf(file);
  const keys = {
    log: trust.log ?? verifierKeyFromText(file.log),
    witnesses: trust.witnesses ?? file.witnesses.map(verifierKeyFromText),
  };
  const proof = logProofFromText(file.proof);
  const { checkpoint, witnessed } = verifyLogProof(proof, hashLeaf(Buffer.from(file.leaf)), keys);
  return {
    leaf,
    item: JSON.parse(file.item) as unknown,
    member: file.member.id,
    log: checkpoint.origin,
    index: proof.index,
    size: checkpoint.size,
    witnessed: witnessed.map(({ key, time }) => ({ name: key.name, time: time ?? 0 })),
    trusted: trust.log !== undefined,
  };
}

function parse(text: string): EgressProof {
  if (text.length > TEXT_MAX)
    throw new FieldwattError("MESSAGE_TOO_LARGE", `A proof has at most ${TEXT_MAX} characters`);
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const message = "This is not a proof of Fieldwatt's egress log, or a part of it is missing";
    throw new FieldwattError("MESSAGE_INVALID", message, { cause });
  }
}

/** The leaf, once it is seen to be about these bytes and this member. */
function leafOf({ leaf: text, item, member }: EgressProof): Leaf {
  const leaf = leafFrom(text);
  if (sha256Hex(item) !== leaf.digest)
    throw new FieldwattError(
      "PROOF_INVALID",
      "The bytes in the file are not those that the log says have left",
    );
  if (!leaf.members.includes(commit(member.salt, member.id)))
    throw new FieldwattError("PROOF_INVALID", `The log does not say that ${member.id} is in this release`);
  return leaf;
}

function leafFrom(text: string): Leaf {
  try {
    return leafSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new FieldwattError("MESSAGE_INVALID", `The leaf cannot be read: ${messageOf(error)}`);
  }
}
