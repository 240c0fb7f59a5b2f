import { FieldwattError } from "../domain/model/index.ts";
import { checkInclusion, HASH_BYTES, type Hash } from "./merkle.ts";
import { COSIGNATURE, ED25519, noteFromText, verifyNote, type NoteKey, type Verified } from "./note.ts";

/** The head of a log: its name, how many leaves it has and their root (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;

/** @throws FieldwattError MESSAGE_INVALID */
export function checkpointFromText(text: string): Checkpoint {
  const [origin = "", size = "", root = "", ...rest] = text.split("\n");
  const hash = Buffer.from(root, "base64");
  const valid =
    origin !== "" &&
    /^(0|[1-9]\d{0,15})$/.test(size) &&
    hash.length === HASH_BYTES &&
    hash.toString("base64") === root &&
    rest.at(-1) === "" &&
    rest.slice(0, -1).every((line) => line !== "");
  if (!valid) throw new FieldwattError("MESSAGE_INVALID", "This is not a checkpoint: name, size and root");
  return { origin, size: Number(size), root: hash };
}

/**
 * A checkpoint that its log signed, and the witnesses that cosigned it.
 *
 * @throws FieldwattError MESSAGE_INVALID, or SIGNATURE_INVALID (the log's signature is missing or does not hold)
 */
export function openCheckpoint(
  note: string,
  { log, witnesses }: { readonly log: NoteKey; readonly witnesses: readonly NoteKey[] },
): { checkpoint: Checkpoint; witnessed: Verified[] } {
  const opened = noteFromText(note);
  const verified = verifyNote(opened, [log, ...witnesses]);
  const checkpoint = checkpointFromText(opened.text);
  const signed = verified.some(({ key }) => key.type === ED25519 && key === log);
  if (!signed || checkpoint.origin !== log.name)
    throw new FieldwattError("SIGNATURE_INVALID", `${log.name} did not sign this checkpoint`);
  return { checkpoint, witnessed: verified.filter(({ key }) => key.type === COSIGNATURE) };
}

/** That a leaf stands in a log, to be checked without it (c2sp.org/tlog-proof). */
export interface LogProof {
  readonly index: number;
  readonly hashes: readonly Hash[];
  /** The checkpoint as signed, verbatim. */
  readonly checkpoint: string;
  /** Not covered by any signature. */
  readonly extra?: Uint8Array;
}

const FIRST_LINE = "c2sp.org/tlog-proof@v1";
/** The way up in a tree of 2^53 leaves. */
const HASHES_MAX = 54;

export const logProofToText = ({ index, hashes, checkpoint, extra }: LogProof): string =>
  [
    FIRST_LINE,
    ...(extra ? [`extra ${Buffer.from(extra).toString("base64")}`] : []),
    `index ${index}`,
    ...hashes.map((hash) => Buffer.from(hash).toString("base64")),
    "",
    checkpoint,
  ].join("\n");

/** @throws FieldwattError MESSAGE_INVALID */
export function logProofFromText(text: string): LogProof {
  const split = text.indexOf("\n\n");
  const [first, ...lines] = text.slice(0, Math.max(0, split)).split("\n");
  const extra = lines[0]?.startsWith("extra ")
    ? Buffer.from(String(lines.shift()).slice(6), "base64")
    : undefined;
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "")?.[1];
  const hashes = lines.map((line) => Buffer.from(line, "base64"));
  if (first !== FIRST_LINE || index === undefined || hashes.length > HASHES_MAX)
    throw new FieldwattError("MESSAGE_INVALID", `This is not a proof: its first line is not ${FIRST_LINE}`);
  if (hashes.some((hash, i) => hash.length !== HASH_BYTES || hash.toString("base64") !== lines[i]))
    throw new FieldwattError("MESSAGE_INVALID", "A line of the proof is not a hash");
  return { index: Number(index), hashes, checkpoint: text.slice(split + 2), ...(extra && { extra }) };
}

/**
 * Checks that the leaf is in the log at the checkpoint that the log signed.
 *
 * @throws FieldwattError MESSAGE_INVALID, SIGNATURE_INVALID, PROOF_INVALID
 */
export function verifyLogProof(
  proof: LogProof,
  leafHash: Hash,
  keys: { readonly log: NoteKey; readonly witnesses: readonly NoteKey[] },
): { checkpoint: Checkpoint; witnessed: Verified[] } {
  const opened = openCheckpoint(proof.checkpoint, keys);
  const { size, root } = opened.checkpoint;
  const refusal = checkInclusion({
    index: BigInt(proof.index),
    size: BigInt(size),
    leafHash,
    root,
    proof: proof.hashes,
  });
  if (refusal !== undefined) throw new FieldwattError("PROOF_INVALID", `The proof does not hold: ${refusal}`);
  return opened;
}
