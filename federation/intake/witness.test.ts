import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkpointText } from "../../protocol/checkpoint.ts";
import { hashLeaf, type Hash } from "../../protocol/merkle.ts";
import { append, consistencyProof, rootOf, type Nodes } from "../../protocol/merkle-tree.ts";
import { egressLogName } from "../../protocol/egress-leaf.ts";
import type { BatchBody } from "../../protocol/messages.ts";
import { ED25519, noteToText, signNote } from "../../protocol/note.ts";
import { batch, openVillage, type Village } from "../../test/support/hub.ts";

let village: Village;
beforeAll(async () => {
  village = await openVillage(["north", "south"]);
});
beforeEach(() => village.clear());
afterAll(() => village[Symbol.asyncDispose]());

/** An egress log as its gateway would hold it; `seed` makes another history. */
function logOf(leaves: number, seed = "release"): Nodes {
  const kept = new Map<string, Hash>();
  const nodes: Nodes = { get: (level, index) => kept.get(`${level}/${index}`) as Hash };
  for (let size = 0; size < leaves; size++)
    for (const { level, index, hash } of append(nodes, size, hashLeaf(Buffer.from(`${seed} ${size}`))))
      kept.set(`${level}/${index}`, hash);
  return nodes;
}

function headOf(
  nodes: Nodes,
  { size, from }: { size: number; from: number },
  signedBy = "north",
): BatchBody["log"] {
  const keys = village.keys.get(signedBy);
  if (!keys) throw new Error("no key");
  const name = egressLogName("north");
  const text = checkpointText({ origin: name, size, root: rootOf(nodes, size) });
  const proof = consistencyProof(nodes, from, size).map((hash) => Buffer.from(hash).toString("base64"));
  return {
    head: noteToText({ text, lines: [signNote(text, { name, type: ED25519, ...keys })] }),
    from,
    proof,
  };
}

const tell = async (log: BatchBody["log"]) =>
  (await village.tell("north", { ...batch([]), ...(log && { log }) })).receipt.witness;
const contradictions = () => village.storage.query("SELECT because FROM log_contradiction");

describe("the hub as a witness", () => {
  it("cosigns a log that only grows", async () => {
    const nodes = logOf(9);
    expect(await tell(headOf(nodes, { size: 4, from: 0 }))).toMatchObject({
      size: 4,
      line: expect.stringMatching(/^— hub-1 /),
    });
    expect(await tell(headOf(nodes, { size: 9, from: 4 }))).toMatchObject({
      size: 9,
      line: expect.any(String),
    });
    expect(await contradictions()).toEqual([]);
  });

  it("tells how far it is to a gateway that does not know, and keeps nothing against it", async () => {
    const nodes = logOf(9);
    await tell(headOf(nodes, { size: 4, from: 0 }));
    expect(await tell(headOf(nodes, { size: 9, from: 0 }))).toMatchObject({
      size: 4,
      because: expect.any(String),
    });
    expect(await contradictions()).toEqual([]);
  });

  it.each([
    { what: "another history", shown: () => headOf(logOf(9, "rewritten"), { size: 9, from: 4 }) },
    {
      what: "another history of the same length",
      shown: () => headOf(logOf(4, "rewritten"), { size: 4, from: 4 }),
    },
    { what: "fewer leaves", shown: () => headOf(logOf(9), { size: 3, from: 3 }) },
  ])("does not follow a log that was rewritten, and keeps the head as evidence: $what", async ({ shown }) => {
    await tell(headOf(logOf(9), { size: 4, from: 0 }));
    expect(await tell(shown())).toMatchObject({ size: 4, because: expect.any(String) });
    expect(await contradictions()).toHaveLength(1);
    expect(await tell(headOf(logOf(9), { size: 9, from: 4 }))).toMatchObject({
      size: 9,
      line: expect.any(String),
    });
  });

  it("does not cosign what another signed, and takes the batch all the same", async () => {
    const reply = await tell(headOf(logOf(3), { size: 3, from: 0 }, "south"));
    expect(reply).toMatchObject({ size: 0, because: expect.any(String) });
  });
});
