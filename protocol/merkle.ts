import { createHash } from "node:crypto";

/**
 * The Merkle tree of RFC 6962 section 2.1 (the same in RFC 9162): leaves are hashed with a 0 before them and inner
 * nodes with a 1, so that neither passes for the other; a tree splits at the largest power of two below its size.
 *
 * Proofs are checked from the numbers alone: the shape of the way to the root is known from index and size, so that
 * a proof of the wrong length is refused before anything is hashed.
 */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;

const sha256 = (...parts: readonly Uint8Array[]): Hash => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const hashLeaf = (data: Uint8Array): Hash => sha256(LEAF, data);
export const hashChildren = (left: Hash, right: Hash): Hash => sha256(NODE, left, right);

/** The root of no leaves at all is the hash of nothing (RFC 6962, 2.1). */
export const emptyRoot = (): Hash => sha256();

/** Why a proof does not hold, or undefined when it does. */
export type Refusal = string | undefined;

const same = (a: Hash, b: Hash): boolean => Buffer.compare(a, b) === 0;
const isHash = (hash: Hash): boolean => hash.length === HASH_BYTES;
const bitLength = (n: bigint): number => (n === 0n ? 0 : n.toString(2).length);
const ones = (n: bigint): number => [...n.toString(2)].filter((bit) => bit === "1").length;

/** How many hashes on the way from leaf `index` to the root of `size` leaves lie inside, and at the right border. */
function wayUp(index: bigint, size: bigint): { inner: number; border: number } {
  const inner = bitLength(index ^ (size - 1n));
  return { inner, border: ones(index >> BigInt(inner)) };
}

const chainInner = (seed: Hash, proof: readonly Hash[], index: bigint): Hash =>
  proof.reduce(
    (node, sibling, i) =>
      (index >> BigInt(i)) & 1n ? hashChildren(sibling, node) : hashChildren(node, sibling),
    seed,
  );
/** Only the steps from the left: what the smaller tree had at that place. */
const chainInnerRight = (seed: Hash, proof: readonly Hash[], index: bigint): Hash =>
  proof.reduce((node, sibling, i) => ((index >> BigInt(i)) & 1n ? hashChildren(sibling, node) : node), seed);
const chainBorder = (seed: Hash, proof: readonly Hash[]): Hash =>
  proof.reduce((node, sibling) => hashChildren(sibling, node), seed);

export interface InclusionProof {
  readonly index: bigint;
  readonly size: bigint;
  readonly leafHash: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}

/** Does the leaf stand at `index` in the tree of `size` leaves with this root? RFC 9162, 2.1.3.2. */
export function checkInclusion({ index, size, leafHash, root, proof }: InclusionProof): Refusal {
  if (index < 0n || index >= size) return `leaf ${index} is not in a tree of ${size} leaves`;
  if (!isHash(leafHash) || !isHash(root) || !proof.every(isHash))
    return `a hash does not have ${HASH_BYTES} bytes`;
  const { inner, border } = wayUp(index, size);
  if (proof.length !== inner + border)
    return `a proof of ${proof.length} hashes, where ${inner + border} lead to the root`;
  const calculated = chainBorder(chainInner(leafHash, proof.slice(0, inner), index), proof.slice(inner));
  return same(calculated, root) ? undefined : "the proof leads to another root";
}

export interface ConsistencyProof {
  readonly size1: bigint;
  readonly size2: bigint;
  readonly root1: Hash;
  readonly root2: Hash;
  readonly proof: readonly Hash[];
}

/** Is the tree of `size1` leaves the beginning of the tree of `size2`? RFC 9162, 2.1.4.2. */
export function checkConsistency({ size1, size2, root1, root2, proof }: ConsistencyProof): Refusal {
  if (size1 < 0n || size2 < size1) return `a tree of ${size2} leaves cannot follow one of ${size1}`;
  if (!isHash(root1) || !isHash(root2) || !proof.every(isHash))
    return `a hash does not have ${HASH_BYTES} bytes`;
  if (size1 === size2) {
    if (proof.length > 0) return "trees of one size need no proof";
    return same(root1, root2) ? undefined : "trees of one size have different roots";
  }
  if (size1 === 0n) return proof.length > 0 ? "the empty tree needs no proof" : undefined;
  return checkGrowth({ size1, size2, root1, root2, proof });
}

function checkGrowth({ size1, size2, root1, root2, proof }: ConsistencyProof): Refusal {
  const { inner: wholeInner, border } = wayUp(size1 - 1n, size2);
  // Everything below the lowest set bit of size1 is one full subtree in both trees.
  const shift = bitLength(size1 & -size1) - 1;
  const inner = wholeInner - shift;
  // A size that is a power of two is its own subtree: the proof need not repeat the root.
  const whole = size1 === 1n << BigInt(shift);
  const start = whole ? 0 : 1;
  if (proof.length !== start + inner + border) {
    return `a proof of ${proof.length} hashes, where ${start + inner + border} are needed`;
  }
  const seed = whole ? root1 : (proof[0] as Hash);
  const [innerProof, borderProof] = [proof.slice(start, start + inner), proof.slice(start + inner)];
  const mask = (size1 - 1n) >> BigInt(shift);
  if (!same(chainBorder(chainInnerRight(seed, innerProof, mask), borderProof), root1))
    return "the proof does not lead to the first root";
  if (!same(chainBorder(chainInner(seed, innerProof, mask), borderProof), root2))
    return "the proof does not lead to the second root";
  return undefined;
}
