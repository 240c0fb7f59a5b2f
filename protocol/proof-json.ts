import { messageOf } from "../domain/model/index.ts";
import { checkConsistency, checkInclusion, type Hash } from "./merkle.ts";

/** The verdict over a proof. */
export interface Verdict {
  readonly valid: boolean;
  readonly error?: string;
}

/** A tree has at most 2^64 leaves, so a proof has at most 65 hashes; more text than this is no proof. */
const TEXT_MAX = 100_000;
const INTEGER_KEYS = new Set(["leafIdx", "treeSize", "size1", "size2"]);

/**
 * Checks a proof in the JSON form of transparency-dev/merkle: inclusion {leafIdx, treeSize, root, leafHash, proof} or
 * consistency {size1, size2, root1, root2, proof}, hashes in base64, no proof as null. Total: whatever is wrong is
 * told in the verdict.
 */
export function checkProofJson(text: string): Verdict {
  try {
    const error = refusalOf(parse(text));
    return error === undefined ? { valid: true } : { valid: false, error };
  } catch (error) {
    return { valid: false, error: messageOf(error) };
  }
}

function parse(text: string): Record<string, unknown> {
  if (text.length > TEXT_MAX) throw new RangeError(`more than ${TEXT_MAX} characters are no proof`);
  // The source text of a number keeps the digits beyond 2^53 that the number itself loses.
  const exact = (key: string, value: unknown, context?: { source?: string }): unknown =>
    INTEGER_KEYS.has(key) && typeof value === "number" ? integer(context?.source ?? String(value)) : value;
  const json: unknown = JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new TypeError("a proof is a JSON object");
  return json as Record<string, unknown>;
}

function integer(source: string): bigint {
  if (!/^-?\d+$/.test(source)) throw new RangeError(`${source} is not a whole number`);
  return BigInt(source);
}

function refusalOf(json: Record<string, unknown>): string | undefined {
  const number = (key: string): bigint => {
    const value = json[key];
    if (typeof value !== "bigint") throw new TypeError(`${key} is missing or not a whole number`);
    return value;
  };
  const hash = (key: string): Hash => decode(json[key], key);
  const proof = (json.proof ?? []) as unknown;
  if (!Array.isArray(proof)) throw new TypeError("proof is not a list");
  const hashes = proof.map((one, i) => decode(one, `proof[${i}]`));
  if ("leafIdx" in json) {
    return checkInclusion({
      index: number("leafIdx"),
      size: number("treeSize"),
      leafHash: hash("leafHash"),
      root: hash("root"),
      proof: hashes,
    });
  }
  if ("size1" in json) {
    return checkConsistency({
      size1: number("size1"),
      size2: number("size2"),
      root1: hash("root1"),
      root2: hash("root2"),
      proof: hashes,
    });
  }
  throw new TypeError("neither an inclusion proof (leafIdx) nor a consistency proof (size1)");
}

function decode(value: unknown, name: string): Hash {
  if (value === null || value === undefined) return new Uint8Array();
  if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw new TypeError(`${name} is not base64`);
  return Buffer.from(value, "base64");
}
