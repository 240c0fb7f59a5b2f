import type { KeyObject } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { FieldwattError, messageOf, type Clock } from "../../domain/model/index.ts";
import { openCheckpoint, type Checkpoint } from "../../protocol/checkpoint.ts";
import { egressEpochOf } from "../../protocol/egress-leaf.ts";
import type { KeyPair } from "../../protocol/keys.ts";
import { checkConsistency, emptyRoot } from "../../protocol/merkle.ts";
import {
  COSIGNATURE,
  ED25519,
  noteFromText,
  noteToText,
  signNote,
  type NoteSigner,
} from "../../protocol/note.ts";
import { addCheckpointFromText, TREE_SIZE_TYPE, type AddCheckpoint } from "../../protocol/witness-request.ts";
import type { RecordStore } from "../record/store.ts";

/**
 * This gateway as a witness of its neighbours' egress logs (c2sp.org/tlog-witness): it cosigns a head only where the
 * one that it cosigned before is proven to be its beginning, and keeps what contradicts. It opens no connection: the
 * neighbour comes to it.
 */
export interface WitnessOptions {
  readonly store: Pick<RecordStore, "read" | "run">;
  readonly clock: Clock;
  readonly signer: NoteSigner;
  /** Whose logs are cosigned here. */
  readonly logs: readonly { readonly id: string; readonly key: KeyObject }[];
}

export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 503;
  readonly type: string;
  readonly text: string;
}

const answer = (status: WitnessAnswer["status"], text: string, type = "text/plain"): WitnessAnswer => ({
  ...{ status, type, text: `${text}\n` },
});
const howFar = (size: number): WitnessAnswer => answer(409, String(size), TREE_SIZE_TYPE);

/** The gateway under the name by which it cosigns: its own id, as the hub. */
export const cosignerOf = (site: string, { privateKey, publicKey }: KeyPair): NoteSigner => ({
  ...{ name: site, type: COSIGNATURE, privateKey, publicKey },
});

/** Answers one `add-checkpoint`. @param text the body of the request */
export async function addCheckpoint(text: string, options: WitnessOptions): Promise<WitnessAnswer> {
  // A cosignature says when: without a time that is trusted there is none.
  if (!options.clock.trusted()) return answer(503, "the time here is not trusted at the moment");
  let request: AddCheckpoint;
  try {
    request = addCheckpointFromText(text);
  } catch (error) {
    return answer(400, messageOf(error));
  }
  const opened = openHead(request.checkpoint, options);
  return "status" in opened ? opened : judge(request, opened, options);
}

function openHead(note: string, { logs }: WitnessOptions): Checkpoint | WitnessAnswer {
  const name = note.split("\n", 1)[0] ?? "";
  const log = logs.find(({ id }) => egressEpochOf(name, id) !== undefined);
  if (!log) return answer(404, `"${name.slice(0, 100)}" is no log that is cosigned here`);
  const key = { name, type: ED25519, publicKey: log.key } as const;
  try {
    return openCheckpoint(note, { log: key, witnesses: [] }).checkpoint;
  } catch (error) {
    const invalid = error instanceof FieldwattError && error.code === "MESSAGE_INVALID";
    return answer(invalid ? 400 : 403, messageOf(error));
  }
}

async function judge(
  { old, proof, checkpoint: note }: AddCheckpoint,
  checkpoint: Checkpoint,
  { store, clock, signer }: WitnessOptions,
): Promise<WitnessAnswer> {
  const { origin, size } = checkpoint;
  const known = knownHead(store.read, origin);
  const root = Buffer.from(checkpoint.root).toString("base64");
  const seen = clock.now();
  const keep = (because: string, proven: boolean): Promise<void> =>
    store.run("saveEvidence", { origin, head: note, size, because, proven, seen });
  if (old > size) return answer(400, `old ${old} is above the checkpoint's ${size}`);
  if (size === known.size && size > 0 && root !== known.root) {
    await keep(`two heads over ${size} releases differ, and the log signed both`, true);
    return howFar(known.size);
  }
  if (old !== known.size) return howFar(known.size);
  const [size1, root1] = [BigInt(known.size), Buffer.from(known.root, "base64")];
  const because = checkConsistency({ size1, size2: BigInt(size), root1, root2: checkpoint.root, proof });
  if (because !== undefined) {
    await keep(because, false);
    return answer(422, because);
  }
  const line = signNote(noteFromText(note).text, signer, seen);
  if (!(await store.run("saveSeenHead", { origin, old, size, root, note, seen })))
    return howFar(knownHead(store.read, origin).size);
  return { status: 200, type: "text/plain", text: noteToText({ text: "", lines: [line] }).slice(1) };
}

function knownHead(db: DatabaseSync, origin: string): { readonly size: number; readonly root: string } {
  const row = db.prepare("SELECT size, root FROM watched_head WHERE origin = ?").get(origin);
  return row
    ? { size: Number(row.size), root: String(row.root) }
    : { size: 0, root: Buffer.from(emptyRoot()).toString("base64") };
}
