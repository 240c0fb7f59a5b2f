import { emptyRoot, hashChildren, type Hash } from "./merkle.ts";

/**
 * Building the tree of RFC 6962, section 2.1, from the hashes of its full subtrees. A full subtree never changes once
 * it is there, so each is kept under (level, index): level 0 holds the leaves, and the one above i and i + 1 is at
 * i / 2. All else (a root, a proof) is put together from a few dozen of them, for any size that the tree ever had.
 */
export interface Nodes {
  /** The full subtree over the leaves [index * 2^level, (index + 1) * 2^level). Throws where it is missing. */
  get(level: number, index: number): Hash;
}

export interface NewNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Hash;
}

/** What a leaf adds to a tree of `size` leaves: itself, and every subtree that it makes full. */
export function append(nodes: Nodes, size: number, leafHash: Hash): NewNode[] {
  const added: NewNode[] = [{ level: 0, index: size, hash: leafHash }];
  let [level, index, hash] = [0, size, leafHash];
  while (index % 2 === 1) {
    hash = hashChildren(nodes.get(level, index - 1), hash);
    level += 1;
    index = (index - 1) / 2;
    added.push({ level, index, hash });
  }
  return added;
}

/** The root of the first `size` leaves: MTH(D[0:size]). */
export const rootOf = (nodes: Nodes, size: number): Hash =>
  size === 0 ? emptyRoot() : rangeHash(nodes, 0, size);

/** MTH(D[start:end]), where `start` is a multiple of the largest power of two that is not above end - start. */
function rangeHash(nodes: Nodes, start: number, end: number): Hash {
  const count = end - start;
  const level = Math.log2(count);
  if (Number.isInteger(level)) return nodes.get(level, start / count);
  const middle = start + splitOf(count);
  return hashChildren(rangeHash(nodes, start, middle), rangeHash(nodes, middle, end));
}

/** The largest power of two below `count`. */
const splitOf = (count: number): number => 2 ** (Math.ceil(Math.log2(count)) - 1);

/** PATH(index, D[0:size]) of RFC 6962, section 2.1.1: from the leaf's sibling up to the root's child. */
export function inclusionProof(nodes: Nodes, index: number, size: number): Hash[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  const path: Hash[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    const left = index < middle;
    path.push(left ? rangeHash(nodes, middle, end) : rangeHash(nodes, start, middle));
    [start, end] = left ? [start, middle] : [middle, end];
  }
  return path.reverse();
}

/** PROOF(first, D[0:size]) of RFC 6962, section 2.1.2: that the tree of `first` leaves is the beginning of this one. */
export function consistencyProof(nodes: Nodes, first: number, size: number): Hash[] {
  if (!(first >= 0 && first <= size)) throw new RangeError(`a tree of ${first} is not within one of ${size}`);
  if (first === 0 || first === size) return [];
  const path: Hash[] = [];
  let [start, end, known] = [0, size, true];
  while (first !== end) {
    const middle = start + splitOf(end - start);
    if (first <= middle) {
      path.push(rangeHash(nodes, middle, end));
      end = middle;
    } else {
      path.push(rangeHash(nodes, start, middle));
      start = middle;
      known = false;
    }
  }
  // The verifier has the first tree's root already, where that is one subtree from the left edge on.
  if (!known) path.push(rangeHash(nodes, start, end));
  return path.reverse();
}
