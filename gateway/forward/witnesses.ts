import type { KeyObject } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, messageOf, type Clock } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { egressLogName } from "../../protocol/egress-leaf.ts";
import { COSIGNATURE, ED25519, noteFromText, type NoteKey, type NoteLine } from "../../protocol/note.ts";
import { addCheckpointToText, treeSizeFromText } from "../../protocol/witness-request.ts";
import type { RecordStore } from "../record/store.ts";
import { consistencyIn, lastHead, witnessedSize, type Head } from "../release/egress-log.ts";
import { awaitsHub, presentLog } from "../release/restored.ts";
import { createBell, type Bell } from "./bell.ts";

/**
 * Asks the witnesses that the site file names to cosign each new head of the egress log (c2sp.org/tlog-witness). What
 * goes there is the log's name, its size and a hash: nothing about anybody. Each witness has a pace of its own, and one
 * that is away holds nobody up.
 */
export interface WitnessesOptions {
  readonly gateway: string;
  readonly ownKey: KeyObject;
  readonly witnesses: readonly { readonly id: string; readonly url: string; readonly key: KeyObject }[];
  readonly store: Pick<RecordStore, "read" | "run">;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Witnesses extends AsyncDisposable {
  /** Says that the log may have a new head. */
  nudge(): void;
}

/** Between two looks for a new head, where nobody says that there is one. */
const IDLE_MS = 60_000;
const REQUEST_MS = 15_000;
const AGAIN_FIRST_MS = 1_000;
const AGAIN_MAX_MS = 300_000;
/** Of an answer: a few lines of signatures. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** How often one head is shown with another old size before the next pause. */
const SHOWS_MAX = 3;

export function openWitnesses(options: WitnessesOptions): Witnesses {
  const stop = new AbortController();
  const asked = options.witnesses.map((witness) => {
    const bell = createBell();
    return { bell, running: keepAsking({ ...options, witness, bell, signal: stop.signal }) };
  });
  return {
    nudge: () => asked.forEach(({ bell }) => bell.ring()),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(asked.map(({ running }) => running));
    },
  };
}

type Asking = Omit<WitnessesOptions, "witnesses"> & {
  readonly witness: WitnessesOptions["witnesses"][number];
  readonly bell: Bell;
  readonly signal: AbortSignal;
};

async function keepAsking(asking: Asking): Promise<void> {
  const { witness, bell, signal, log } = asking;
  let pause = AGAIN_FIRST_MS;
  while (!signal.aborted) {
    try {
      await ask(asking);
      pause = AGAIN_FIRST_MS;
      await bell.wait(IDLE_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ witness: witness.id, because: messageOf(error) }, "a witness was not reached");
      await wait(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, AGAIN_MAX_MS);
    }
  }
}

/** Shows the newest head, where the witness has not cosigned it, and keeps what it says. */
async function ask(asking: Asking): Promise<void> {
  const { store, witness } = asking;
  const head = awaitsHub(store.read) ? undefined : lastHead(store.read);
  if (!head || head.size <= witnessedSize(store.read, witness.id)) return;
  let from = witnessedSize(store.read, witness.id);
  for (let shows = 0; shows < SHOWS_MAX; shows++) {
    const said = await show(head, from, asking);
    if ("line" in said) return keepLine(head, said.line, asking);
    if (said.size === undefined || said.size === from || said.size > head.size)
      return keepRefusal(said, asking);
    from = said.size;
  }
}

type Said = { readonly line: NoteLine } | { readonly because: string; readonly size: number | undefined };

async function show(head: Head, from: number, asking: Asking): Promise<Said> {
  const { store, witness, signal } = asking;
  const proof = consistencyIn(store.read, from, head.size);
  const response = await fetch(`${witness.url.replace(/\/$/, "")}/add-checkpoint`, {
    method: "POST",
    body: addCheckpointToText({ old: from, proof, checkpoint: head.note }),
    headers: { "content-type": "text/plain; charset=utf-8" },
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  });
  const text = await textOf(response);
  if (response.status === 200) return { line: ownLine(head.note + text, asking) };
  if (response.status >= 500)
    throw new FieldwattError("WITNESS_UNREACHABLE", `${response.status} ${text.trim()}`);
  const size = response.status === 409 ? treeSizeFromText(text) : undefined;
  return { size, because: refusalOf(response.status, text, { head, from, size }) };
}

function refusalOf(
  status: number,
  text: string,
  { head, from, size }: { readonly head: Head; readonly from: number; readonly size: number | undefined },
): string {
  if (size === head.size && size === from) return `it cosigned another head over ${size} releases`;
  if (size !== undefined && size > head.size)
    return `it has seen ${size} releases, and there are ${head.size} here`;
  if (status === 422) return `what it saw is not the beginning of this log: ${text.trim().slice(0, 200)}`;
  return `${status}: ${text.trim().slice(0, 200)}`;
}

/** @throws FieldwattError MESSAGE_TOO_LARGE */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > ANSWER_BYTES_MAX)
      throw new FieldwattError(
        "MESSAGE_TOO_LARGE",
        `A witness answered with more than ${ANSWER_BYTES_MAX} bytes`,
      );
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The witness's own line, where it holds. @throws FieldwattError MESSAGE_INVALID, SIGNATURE_INVALID */
function ownLine(cosigned: string, { store, gateway, ownKey, witness }: Asking): NoteLine {
  const log: NoteKey = { name: egressLogName(gateway), type: ED25519, publicKey: ownKey };
  const key: NoteKey = { name: witness.id, type: COSIGNATURE, publicKey: witness.key };
  const { witnessed } = openCheckpoint(cosigned, { log: presentLog(store.read, log), witnesses: [key] });
  const line = noteFromText(cosigned).lines.find(({ name }) => name === witness.id);
  if (witnessed.length !== 1 || !line)
    throw new FieldwattError("SIGNATURE_INVALID", `${witness.id} answered without a signature of its own`);
  return line;
}

async function keepLine(head: Head, line: NoteLine, { store, witness, clock }: Asking): Promise<void> {
  await store.run("saveCosignature", { witness: witness.id, size: head.size, line });
  const word = { witness: witness.id, heard: clock.now(), size: head.size, because: null };
  await store.run("saveWitnessWord", word);
}

async function keepRefusal(
  { because, size }: { readonly because: string; readonly size: number | undefined },
  { store, witness, clock, log }: Asking,
): Promise<void> {
  log.error({ witness: witness.id, because }, "a witness does not cosign the egress log");
  const known = size ?? witnessedSize(store.read, witness.id);
  await store.run("saveWitnessWord", { witness: witness.id, heard: clock.now(), size: known, because });
}
