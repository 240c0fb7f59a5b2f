import type { KeyObject } from "node:crypto";
import { messageOf } from "../../domain/model/index.ts";
import { checkpointText, openCheckpoint, type Checkpoint } from "../../protocol/checkpoint.ts";
import { checkConsistency, type Hash } from "../../protocol/merkle.ts";
import { COSIGNATURE, ED25519, noteToText, signNote, type NoteSigner } from "../../protocol/note.ts";
import { egressEpochOf } from "../../protocol/egress-leaf.ts";
import type { BatchBody, ReceiptBody } from "../../protocol/messages.ts";
import type { KeyPair } from "../../protocol/keys.ts";
import type { Queryable } from "../storage/index.ts";

/**
 * The hub as a witness of each gateway's egress log (c2sp.org/tlog-cosignature): it remembers the largest head that it
 * saw, and cosigns a larger one only when the old tree is proven to be its beginning. A gateway that rewrites its log
 * cannot get the next head cosigned, and the head that contradicts stays here as evidence. A gateway that was restored
 * from a backup begins an epoch: a log of its own, while the head of the one before stays, and that it ended.
 */
export interface WitnessOptions {
  readonly gateway: string;
  readonly gatewayKey: KeyObject;
  readonly signer: NoteSigner;
  readonly now: number;
}

export const witnessOf = (hub: string, { privateKey, publicKey }: KeyPair): NoteSigner => ({
  name: hub,
  type: COSIGNATURE,
  privateKey,
  publicKey,
});

type Log = NonNullable<BatchBody["log"]>;
type Reply = NonNullable<ReceiptBody["witness"]>;

/** Cosigns the head that came with a batch, or says how far this witness is and why it does not follow. */
export async function witnessLog(tx: Queryable, log: Log, options: WitnessOptions): Promise<Reply> {
  const { gateway, signer, now } = options;
  const last = await lastSeen(tx, gateway);
  const checkpoint = checkpointOf(log, options);
  if (typeof checkpoint === "string") return { size: last.size, because: checkpoint };
  const { size, root, epoch } = checkpoint;
  if (epoch < last.epoch)
    return { size: last.size, because: `the log ended when epoch ${last.epoch} of it began` };
  const known = epoch === last.epoch ? last : { ...NOTHING, epoch };
  if (epoch > last.epoch && last.size > 0) {
    const because = `epoch ${epoch} of the log began; the one before ended here at ${last.size} leaves`;
    await keepEvidence(tx, options, { log, because });
  }
  const because = refusalOf(known, { size, root }, log);
  if (because !== undefined) {
    // A proof from another size only means that the gateway did not know how far we are.
    if (log.from === known.size || size <= known.size) await keepEvidence(tx, options, { log, because });
    return { size: known.size, because };
  }
  const text = checkpointText(checkpoint);
  const line = noteToText({ text: "", lines: [signNote(text, signer, now)] }).slice(1);
  await tx.query(
    `INSERT INTO log_head (gateway, size, root, head, seen, epoch) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (gateway, epoch) DO UPDATE SET size = $2, root = $3, head = $4, seen = $5`,
    [gateway, size, Buffer.from(root).toString("base64"), log.head, now, epoch],
  );
  return { size, line };
}

interface Seen extends Tree {
  readonly epoch: number;
}

const NOTHING = { size: 0, root: Buffer.alloc(0) };

/** How far this witness followed the gateway's log, in its last epoch. */
async function lastSeen(tx: Queryable, gateway: string): Promise<Seen> {
  const sql =
    "SELECT epoch, size, root FROM log_head WHERE gateway = $1 ORDER BY epoch DESC LIMIT 1 FOR UPDATE";
  const [seen] = await tx.query(sql, [gateway]);
  if (!seen) return { ...NOTHING, epoch: 1 };
  return {
    epoch: Number(seen.epoch),
    size: Number(seen.size),
    root: Buffer.from(String(seen.root), "base64"),
  };
}

/** A head that cannot be read is no reason to refuse the batch that it came with. */
function checkpointOf(
  log: Log,
  { gateway, gatewayKey }: WitnessOptions,
): (Checkpoint & { readonly epoch: number }) | string {
  const name = log.head.split("\n", 1)[0] ?? "";
  const epoch = egressEpochOf(name, gateway);
  if (epoch === undefined) return `"${name.slice(0, 100)}" is no log of ${gateway}`;
  const key = { name, type: ED25519, publicKey: gatewayKey } as const;
  try {
    return { ...openCheckpoint(log.head, { log: key, witnesses: [] }).checkpoint, epoch };
  } catch (error) {
    return messageOf(error);
  }
}

interface Tree {
  readonly size: number;
  readonly root: Hash;
}

function refusalOf(known: Tree, shown: Tree, log: Log): string | undefined {
  if (shown.size < known.size) return `the log had ${known.size} leaves and now has ${shown.size}`;
  if (known.size === 0) return undefined;
  if (log.from !== known.size)
    return `the proof begins at ${log.from} leaves, and ${known.size} are known here`;
  return checkConsistency({
    size1: BigInt(known.size),
    size2: BigInt(shown.size),
    root1: known.root,
    root2: shown.root,
    proof: log.proof.map((hash) => Buffer.from(hash, "base64")),
  });
}

/** Pieces of evidence that are kept of one gateway: the first ones say all that there is to say. */
const EVIDENCE_MAX = 20;

async function keepEvidence(
  tx: Queryable,
  { gateway, now }: WitnessOptions,
  { log, because }: { readonly log: Log; readonly because: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO log_contradiction (gateway, seen, head, because)
     SELECT $1, $2::bigint, $3, $4 WHERE (SELECT count(*) FROM log_contradiction WHERE gateway = $1) < ${EVIDENCE_MAX}
     ON CONFLICT DO NOTHING`,
    [gateway, now, log.head, because],
  );
}
