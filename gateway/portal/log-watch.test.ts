import { describe, expect, it } from "vitest";
import { checkpointText } from "../../protocol/checkpoint.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { hashLeaf, type Hash } from "../../protocol/merkle.ts";
import { append, consistencyProof, rootOf, type Nodes } from "../../protocol/merkle-tree.ts";
import { noteToText, signNote, verifierKeyToText, type NoteSigner } from "../../protocol/note.ts";
import vectors from "../../test/captures/merkle.json" with { type: "json" };
import { logSigner } from "../release/egress-log.ts";
import { isBeginning, watchLog, type KeptHead } from "./assets/log-watch.js";

/** The phone as a witness: what it makes of a log that grows, and of each way to rewrite one. */
const keys = generateKeyPair();
const own = logSigner("kisasi", keys);
const NOW = Date.UTC(2026, 5, 15);

function treeOf(leaves: readonly string[]): Nodes {
  const kept = new Map<string, Hash>();
  const nodes: Nodes = { get: (level, index) => kept.get(`${level}/${index}`) as Hash };
  leaves.forEach((leaf, size) => {
    for (const { level, index, hash } of append(nodes, size, hashLeaf(Buffer.from(leaf))))
      kept.set(`${level}/${index}`, hash);
  });
  return nodes;
}

/** A gateway whose log has these releases. */
function gatewayOf(releases: string, signer: NoteSigner = own) {
  const [nodes, size] = [treeOf([...releases]), releases.length];
  const text = checkpointText({ origin: signer.name, size, root: rootOf(nodes, size) });
  const note = noteToText({ text, lines: [signNote(text, signer)] });
  return {
    log: verifierKeyToText(signer),
    ask: {
      checkpoint: () => Promise.resolve(size === 0 ? undefined : note),
      consistency: (from: number, to: number) =>
        Promise.resolve(
          from > to
            ? []
            : consistencyProof(nodes, from, to).map((hash) => Buffer.from(hash).toString("base64")),
        ),
    },
  };
}

const look = (gateway: ReturnType<typeof gatewayOf>, kept?: KeptHead) =>
  watchLog({ ...gateway, kept, now: NOW });
const firstLook = async (releases: string): Promise<KeptHead> => {
  const { kept } = await look(gatewayOf(releases));
  if (!kept) throw new Error("nothing was kept");
  return kept;
};

describe("a phone that watches the log", () => {
  it("keeps the first head that it sees, as it was signed", async () => {
    const gateway = gatewayOf("abc");
    const found = await look(gateway);
    expect(found.state).toBe("first");
    expect(found.kept).toMatchObject({ size: 3, note: await gateway.ask.checkpoint(), seen: NOW });
  });

  it.each([
    ["a", "ab"],
    ["abc", "abcd"],
    ["abcd", "abcdefg"],
    ["abcdef", "abcdefghijklmnop"],
    ["abcdefg", "abcdefghi"],
  ])("follows a log that grew from %s to %s, and keeps the new head", async (before, after) => {
    const found = await look(gatewayOf(after), await firstLook(before));
    expect([found.state, found.kept?.size]).toEqual(["grew", after.length]);
  });

  it("sees that nothing is new", async () => {
    expect((await look(gatewayOf("abc"), await firstLook("abc"))).state).toBe("same");
    expect((await look(gatewayOf(""))).state).toBe("nothing");
  });

  it.each<[string, string, string, string]>([
    ["one release was changed", "abc", "axc", "changed"],
    ["one was changed, and more came", "abc", "axcdef", "changed"],
    ["one was put in between", "abcd", "abxcd", "changed"],
    ["the last one was taken out", "abc", "ab", "shrunk"],
    ["all was taken out", "abc", "", "shrunk"],
  ])("warns where %s, and keeps what it saw", async (_what, before, after, state) => {
    const kept = await firstLook(before);
    expect(await look(gatewayOf(after), kept)).toMatchObject({ state, kept });
  });

  it("warns of another key, and of a head that the log did not sign", async () => {
    const kept = await firstLook("abc");
    const other = logSigner("kisasi", generateKeyPair());
    expect(await look(gatewayOf("abcd", other), kept)).toMatchObject({ state: "otherKey", kept });
    const forged = { ...gatewayOf("abcd", other), log: verifierKeyToText(own) };
    expect(await look(forged, kept)).toMatchObject({ state: "notSigned", kept });
  });

  it("says that a log was begun anew under the same key, as after a backup", async () => {
    const kept = await firstLook("abc");
    const anew = { ...own, name: `${own.name}/2` };
    expect(await look(gatewayOf("a", anew), kept)).toMatchObject({ state: "anew", kept, shown: { size: 1 } });
  });

  it("keeps what it has while the gateway is away", async () => {
    const kept = await firstLook("abc");
    const away = () => Promise.reject(new Error("away"));
    const gateway = gatewayOf("abcd");
    expect(await look({ ...gateway, ask: { ...gateway.ask, checkpoint: away } }, kept)).toEqual({
      state: "away",
      kept,
    });
    expect(await look({ ...gateway, ask: { ...gateway.ask, consistency: away } }, kept)).toEqual({
      state: "away",
      kept,
    });
  });
});

describe("the proof that a log only grew", () => {
  const cases = vectors.cases
    .filter((one) => one.path.includes("/consistency/"))
    .map(({ path, ...one }) => ({ path, ...(one as unknown as Vector) }))
    // An empty tree and a tree of the same size need no proof: the phone asks for none.
    .filter(({ size1, size2 }) => size1 > 0 && size2 > size1);

  it.each(cases)("is judged as transparency-dev/merkle judges it: $path", async (vector) => {
    const hexOf = (base64: string): string => Buffer.from(base64, "base64").toString("hex");
    const [first, second] = [
      { size: vector.size1, root: hexOf(vector.root1) },
      { size: vector.size2, root: hexOf(vector.root2) },
    ];
    const holds = await isBeginning(first, second, vector.proof ?? []).catch(() => false);
    expect(holds).toBe(!vector.wantErr);
  });

  it("has enough cases to mean something", () => {
    expect(cases.length).toBeGreaterThan(5);
  });
});

interface Vector {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}
