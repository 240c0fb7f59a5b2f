import { describe, expect, it } from "vitest";
import vectors from "../test/captures/merkle.json" with { type: "json" };
import { emptyRoot, hashChildren, hashLeaf, type Hash } from "./merkle.ts";
import { checkProofJson } from "./proof-json.ts";

describe("proofs of transparency-dev/merkle", () => {
  it.each(vectors.cases)("$path: wantErr is $wantErr", (proof) => {
    expect(checkProofJson(JSON.stringify(proof)).valid).toBe(!proof.wantErr);
  });

  it.each([
    "",
    "{}",
    "[]",
    "null",
    '{"leafIdx":0}',
    '{"size1":1,"size2":"x","root1":"","root2":"","proof":[]}',
  ])("refuses %s", (text) => {
    expect(checkProofJson(text)).toMatchObject({ valid: false, error: expect.any(String) });
  });

  it("reads an index beyond 2^53 exactly", () => {
    const hash = Buffer.alloc(32).toString("base64");
    const text = `{"leafIdx": 18446744073709551615, "treeSize": 18446744073709551615, "root": "${hash}", "leafHash": "${hash}", "proof": []}`;
    expect(checkProofJson(text).error).toContain(
      "leaf 18446744073709551615 is not in a tree of 18446744073709551615 leaves",
    );
  });
});

/** The tree by its definition, RFC 6962 section 2.1, without any cleverness. */
function rootOf(leaves: readonly Hash[]): Hash {
  const [only] = leaves;
  if (!only) return emptyRoot();
  if (leaves.length === 1) return only;
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return hashChildren(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

/** PATH(m, D[n]) of RFC 6962 section 2.1.1. */
function pathOf(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length <= 1) return [];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return m < split ? [...pathOf(m, left), rootOf(right)] : [...pathOf(m - split, right), rootOf(left)];
}

/** SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2. */
function subproof(m: number, leaves: readonly Hash[], whole: boolean): Hash[] {
  if (m === leaves.length) return whole ? [] : [rootOf(leaves)];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return m <= split
    ? [...subproof(m, left, whole), rootOf(right)]
    : [...subproof(m - split, right, false), rootOf(left)];
}

const base64 = (hash: Hash): string => Buffer.from(hash).toString("base64");

describe("every proof of every tree up to 40 leaves", () => {
  const leaves = Array.from({ length: 40 }, (_, i) => hashLeaf(Buffer.from(`leaf ${i}`)));

  it("of inclusion holds, and holds for no other index", () => {
    for (let size = 1; size <= leaves.length; size++) {
      const tree = leaves.slice(0, size);
      for (let index = 0; index < size; index++) {
        const proof = {
          treeSize: size,
          root: base64(rootOf(tree)),
          leafHash: base64(leaves[index] as Hash),
          proof: pathOf(index, tree).map(base64),
        };
        const verdicts = [index, index + 1, index - 1].map(
          (leafIdx) => checkProofJson(JSON.stringify({ leafIdx, ...proof })).valid,
        );
        expect([size, index, ...verdicts]).toEqual([size, index, true, false, false]);
      }
    }
  });

  it("of consistency holds, and not for swapped roots", () => {
    for (let size2 = 2; size2 <= leaves.length; size2++) {
      for (let size1 = 1; size1 < size2; size1++) {
        const [root1, root2] = [rootOf(leaves.slice(0, size1)), rootOf(leaves.slice(0, size2))].map(base64);
        const proof = subproof(size1, leaves.slice(0, size2), true).map(base64);
        const verdicts = [
          { root1, root2 },
          { root1: root2, root2: root1 },
        ].map((roots) => checkProofJson(JSON.stringify({ size1, size2, proof, ...roots })).valid);
        expect([size1, size2, ...verdicts]).toEqual([size1, size2, true, false]);
      }
    }
  });
});
