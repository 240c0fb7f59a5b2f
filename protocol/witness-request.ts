import { FieldwattError } from "../domain/model/index.ts";
import { HASH_BYTES, type Hash } from "./merkle.ts";
import { NOTE_BYTES_MAX } from "./note.ts";

/**
 * A log asks a witness to cosign (c2sp.org/tlog-witness, add-checkpoint): the size that the witness knows, the proof
 * that the log only grew since, and the signed checkpoint.
 *
 *     old 20852014
 *     base64(hash), a line each
 *     (an empty line)
 *     the checkpoint
 */
export interface AddCheckpoint {
  readonly old: number;
  readonly proof: readonly Hash[];
  /** As signed, verbatim. */
  readonly checkpoint: string;
}

/** "The client MUST NOT send more than 63 consistency proof lines." */
const PROOF_LINES_MAX = 63;
export const ADD_CHECKPOINT_BYTES_MAX = NOTE_BYTES_MAX;
/** The content type under which a witness says how far it is. */
export const TREE_SIZE_TYPE = "text/x.tlog.size";

export const addCheckpointToText = ({ old, proof, checkpoint }: AddCheckpoint): string =>
  [`old ${old}`, ...proof.map((hash) => Buffer.from(hash).toString("base64")), "", checkpoint].join("\n");

/** @throws FieldwattError MESSAGE_TOO_LARGE, MESSAGE_INVALID; the checkpoint itself is not looked at */
export function addCheckpointFromText(text: string): AddCheckpoint {
  if (Buffer.byteLength(text) > ADD_CHECKPOINT_BYTES_MAX)
    throw new FieldwattError("MESSAGE_TOO_LARGE", `A request has at most ${ADD_CHECKPOINT_BYTES_MAX} bytes`);
  const split = text.indexOf("\n\n");
  const [first = "", ...lines] = text.slice(0, Math.max(0, split)).split("\n");
  const old = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1];
  const proof = lines.map((line) => Buffer.from(line, "base64"));
  const hashes = proof.every((hash, i) => hash.length === HASH_BYTES && hash.toString("base64") === lines[i]);
  if (old === undefined || !hashes || proof.length > PROOF_LINES_MAX)
    throw new FieldwattError(
      "MESSAGE_INVALID",
      "This is not a request to a witness: an old size, a proof, a checkpoint",
    );
  return { old: Number(old), proof, checkpoint: text.slice(split + 2) };
}

/** The tree size in an answer 409, or undefined where there is none. */
export function treeSizeFromText(text: string): number | undefined {
  const size = /^(0|[1-9]\d{0,15})\n?$/.exec(text)?.[1];
  return size === undefined ? undefined : Number(size);
}
