import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkConsistency, checkInclusion, emptyRoot, hashLeaf, type Hash } from "./merkle.ts";
import { append, consistencyProof, inclusionProof, rootOf, type Nodes } from "./merkle-tree.ts";

/** Leaves and roots of google/certificate-transparency's `merkle_tree_test.cc` (kInputs, kRoots). */
const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((hex) => hashLeaf(Buffer.from(hex, "hex")));
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

function treeOf(leaves: readonly Hash[]): Nodes {
  const nodes = new Map<string, Hash>();
  const tree: Nodes = {
    get(level, index) {
      const hash = nodes.get(`${level}/${index}`);
      if (!hash) throw new RangeError(`no node ${level}/${index}`);
      return hash;
    },
  };
  leaves.forEach((leaf, size) => {
    for (const { level, index, hash } of append(tree, size, leaf)) nodes.set(`${level}/${index}`, hash);
  });
  return tree;
}

describe("a growing tree", () => {
  const tree = treeOf(LEAVES);

  it.each(ROOTS.map((root, i) => ({ size: i + 1, root })))(
    "has the published root at $size leaves",
    (row) => {
      expect(Buffer.from(rootOf(tree, row.size)).toString("hex")).toBe(row.root);
    },
  );

  it("has the hash of nothing as its root while it is empty", () => {
    expect(Buffer.compare(rootOf(tree, 0), emptyRoot())).toBe(0);
  });

  it("proves each leaf in each of its sizes", () => {
    const leaves = Array.from({ length: 40 }, (_, i) => hashLeaf(Uint8Array.of(i)));
    const large = treeOf(leaves);
    for (let size = 1; size <= leaves.length; size++) {
      for (let index = 0; index < size; index++) {
        const refusal = checkInclusion({
          index: BigInt(index),
          size: BigInt(size),
          leafHash: leaves[index] as Hash,
          root: rootOf(large, size),
          proof: inclusionProof(large, index, size),
        });
        expect(refusal).toBeUndefined();
      }
    }
  });

  it("proves that each of its sizes is the beginning of each later one, and of no other tree", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 0, max: 90 }), (a, b) => {
        const [first, size] = [Math.min(a, b), Math.max(a, b)];
        const leaves = Array.from({ length: size }, (_, i) => hashLeaf(Uint8Array.of(i)));
        const whole = treeOf(leaves);
        const claim = { size1: BigInt(first), size2: BigInt(size), root2: rootOf(whole, size) };
        const proof = consistencyProof(whole, first, size);
        const holds = checkConsistency({ ...claim, root1: rootOf(whole, first), proof });
        const other = treeOf(leaves.with(0, hashLeaf(Buffer.from("another"))));
        const refused =
          first === 0 || checkConsistency({ ...claim, root1: rootOf(other, first), proof }) !== undefined;
        return holds === undefined && refused;
      }),
      { seed: 20261122, numRuns: 1_000 },
    );
  });
});
