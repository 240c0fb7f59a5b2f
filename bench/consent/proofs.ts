import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { memberId } from "../../domain/model/index.ts";
import { migrations } from "../../gateway/record/migrations.ts";
import { inclusionIn, logSigner, signHead, egressCommands } from "../../gateway/release/egress-log.ts";
import { proofOf } from "../../gateway/release/proof.ts";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { commitmentOf, leafText } from "../../protocol/egress-leaf.ts";
import { verifyEgressProof } from "../../protocol/egress-proof.ts";
import { generateKeyPair, sha256Hex } from "../../protocol/keys.ts";
import { checkInclusion, hashLeaf } from "../../protocol/merkle.ts";
import { append, type Nodes } from "../../protocol/merkle-tree.ts";
import { round, type Figure } from "../bench.ts";

/** A log of so many releases on disk, of which some members ask for the proof of theirs. */
const RELEASES = 1_000_000;
const ASKED = 1_000;
const STEP = RELEASES / ASKED;
const MEMBER = memberId("house-01");
const secret = Buffer.alloc(32, 5);

/** Time and size of proofs: to make one from the record, to check its way up, and to check the file as a member does. */
export function proofFigures(folder: string, signal: AbortSignal): Figure[] {
  using db = new DatabaseSync(join(folder, "record.sqlite"), { enableForeignKeyConstraints: false });
  const log = logSigner("bench", generateKeyPair());
  fill(db, signal);
  const head = signHead(db, log);
  if (!head) throw new Error("the log of the benchmark is empty");
  egressCommands.saveHead(db, { ...head, signed: 0 });
  const { root } = openCheckpoint(head.note, { log, witnesses: [] }).checkpoint;
  const indexes = Array.from({ length: ASKED }, (_, i) => i * STEP + (i % STEP));
  const make = (index: number) => {
    const proof = proofOf(db, { sequence: index + 1, member: MEMBER }, { log, secret });
    if (!proof) throw new Error(`the benchmark has no proof of ${index}`);
    return JSON.stringify(proof);
  };
  const files = indexes.map(make);
  const ways = indexes.map((index) => ({
    ...{ index: BigInt(index), size: BigInt(RELEASES), root },
    ...{ leafHash: hashLeaf(Buffer.from(leafOf(index).text)), proof: inclusionIn(db, index, RELEASES) },
  }));
  const about = `log of ${RELEASES.toLocaleString("en")} releases`;
  const figure = (what: string, value: number, unit: string): Figure => ({
    ...{ bench: "consent", figure: `${about}: ${what}`, value: round(value), unit },
  });
  return [
    figure("a proof is made in", millisecondsOf(indexes, make), "ms"),
    figure("its way up is checked in", millisecondsOf(ways, mustHold), "ms"),
    figure(
      "the whole file is checked in",
      millisecondsOf(files, (file) => verifyEgressProof(file, {})),
      "ms",
    ),
    figure("a file has", files.reduce((sum, file) => sum + file.length, 0) / ASKED, "bytes"),
    figure("of which the way up", Math.max(...ways.map(({ proof }) => proof.length)), "hashes"),
  ];
}

function mustHold(way: Parameters<typeof checkInclusion>[0]): void {
  if (checkInclusion(way) !== undefined) throw new Error("a proof of the benchmark does not hold");
}

/** The median over all, after a round to warm up: what the machine does meanwhile is in few of them. */
function millisecondsOf<One>(all: readonly One[], work: (one: One) => unknown): number {
  for (const one of all) work(one);
  const times = all.map((one) => {
    const start = performance.now();
    work(one);
    return performance.now() - start;
  });
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

function leafOf(index: number): { readonly item: string; readonly text: string } {
  const item = JSON.stringify({ sequence: index + 1, summary: { import: index % 1_000 } });
  const text = leafText({
    ...{ version: 1, offer: "trading", policy: "a".repeat(64), recipient: "hub" },
    ...{ window: { from: 0, to: 900_000 }, digest: sha256Hex(item) },
    members: [commitmentOf(secret, MEMBER, index + 1).hash],
  });
  return { item, text };
}

/** The tree whole; of what it is made of, the releases that are asked for. */
function fill(db: DatabaseSync, signal: AbortSignal): void {
  for (const step of migrations) db.exec(typeof step === "string" ? step : step.sql);
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  const insert = db.prepare("INSERT INTO egress_node (level, position, hash) VALUES (?, ?, ?)");
  const find = db.prepare("SELECT hash FROM egress_node WHERE level = ? AND position = ?");
  const nodes: Nodes = { get: (level, index) => find.get(level, index)?.hash as Uint8Array };
  for (let index = 0; index < RELEASES; index++) {
    if (index % 100_000 === 0) signal.throwIfAborted();
    const asked = index % STEP === Math.floor(index / STEP) % STEP;
    const leaf = asked ? keep(db, index) : hashLeaf(Buffer.from(`release ${index}`));
    for (const node of append(nodes, index, leaf)) insert.run(node.level, node.index, node.hash);
  }
  db.exec("COMMIT");
}

function keep(db: DatabaseSync, index: number): Uint8Array {
  const { item, text } = leafOf(index);
  const hash = hashLeaf(Buffer.from(text));
  db.prepare(
    `INSERT INTO release (sequence, summary, member, subject, offer, recipient, released, item)
     VALUES (?, ?, ?, 's', 'trading', 'hub', 0, ?)`,
  ).run(index + 1, index + 1, MEMBER, item);
  db.prepare("INSERT INTO egress_leaf (leaf, release, hash, text) VALUES (?, ?, ?, ?)").run(
    ...[index + 1, index + 1, Buffer.from(hash).toString("hex"), text],
  );
  return hash;
}
