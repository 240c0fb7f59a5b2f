import { setTimeout as wait } from "node:timers/promises";
import { FieldwattError, hasCode } from "../../domain/model/index.ts";
import type { NodeBook, NodeEntry } from "./book.ts";
import { sipHash } from "./check.ts";
import type { KnownNode, NodeDesk } from "./desk.ts";
import { mustFit, type Image } from "./image.ts";
import { CAPABILITIES } from "./messages.ts";

/** Steps of UPDATE (docs/field-link.md). */
const STEP = { begin: 1, data: 2, finish: 3, confirm: 4, state: 5 } as const;
const CHUNK = 64;
const PAGE = 128;
const NOTHING = new Uint8Array();
/** Looks at a node that starts anew, a second apart: it swaps two programs first. */
const STARTS_MAX = 60;
/** Chunks that may have to be sent again, besides those of the image. */
const REPEATS_MAX = 100;

export interface UpdateOptions {
  readonly book: NodeBook;
  /** Called with each share of the image that has arrived, 0 to 1. */
  onProgress?(share: number): void;
  /** Between two looks at a node that starts anew; 1 s where absent. */
  readonly lookMs?: number;
}

/**
 * Updates a tiny node with an image that was verified: sends the program, has the node try it, and confirms it when the
 * node speaks again with the new version. Whatever goes wrong before, the node goes back to what it ran.
 * Throws UPDATE_REFUSED, DEVICE_TIMEOUT, DEVICE_GARBLED, BUS_CLOSED.
 */
export async function updateNode(
  desk: NodeDesk,
  { entry, image }: { readonly entry: NodeEntry; readonly image: Image },
  options: UpdateOptions,
): Promise<NodeEntry> {
  mustFit(image, entry);
  const node = await desk.greet(entry);
  if (!(node.capabilities & CAPABILITIES.update))
    throw new FieldwattError("UPDATE_REFUSED", `node ${entry.number} cannot be updated over the link`);
  if (node.firmware !== image.version) {
    await send(node, { entry, program: image.program }, options);
    await finish(node);
  }
  const tried = await startedAnew(desk, { entry, image }, options);
  if ((await tried.update(STEP.confirm, 0, NOTHING)).state !== "done")
    throw new FieldwattError("UPDATE_REFUSED", `node ${entry.number} does not keep its new program`);
  const runs = { firmware: tried.firmware, counter: image.counter };
  return (await options.book.change(entry.number, (now) => ({ ...now, ...runs }))) ?? { ...entry, ...runs };
}

/** The MAC of a program by a node's key: a chain over its pages. */
export function programMac(key: Uint8Array, program: Uint8Array): Uint8Array {
  let mac: Uint8Array = new Uint8Array(8);
  for (let at = 0; at < program.length; at += PAGE) {
    const context = Buffer.alloc(16);
    context.set(mac, 0);
    context.writeUInt32BE(program.length, 8);
    context.writeUInt32BE(at, 12);
    mac = sipHash(key, context, program.subarray(at, at + PAGE));
  }
  return mac;
}

interface Sending {
  readonly entry: NodeEntry;
  readonly program: Uint8Array;
}

/** Each answer says which offset the node waits for, so a chunk that was lost comes again, and one that came twice does not count. */
async function send(
  node: KnownNode,
  { entry, program }: Sending,
  { onProgress }: UpdateOptions,
): Promise<void> {
  const mac = programMac(Uint8Array.from(Buffer.from(entry.key, "hex")), program);
  let { state, expected } = await node.update(STEP.begin, program.length, mac);
  const stepsMax = Math.ceil(program.length / CHUNK) + REPEATS_MAX;
  for (let step = 0; state === "done" && expected < program.length && step < stepsMax; step++) {
    const chunk = program.subarray(expected, expected + CHUNK);
    ({ state, expected } = await node.update(STEP.data, expected, chunk));
    onProgress?.(expected / program.length);
  }
  if (state !== "done" || expected !== program.length)
    throw new FieldwattError(
      "UPDATE_REFUSED",
      `node ${entry.number} stops at byte ${expected} of ${program.length}`,
    );
}

/** The answer may be lost in the restart: what the node says afterwards counts. */
async function finish(node: KnownNode): Promise<void> {
  try {
    const { state } = await node.update(STEP.finish, 0, NOTHING);
    if (state === "refused")
      throw new FieldwattError(
        "UPDATE_REFUSED",
        `node ${node.hardware} finds that the program is not what was announced`,
      );
  } catch (error) {
    if (!hasCode(error, "DEVICE_TIMEOUT")) throw error;
  }
}

/** The health check: it greets by its key, with the new version, and its clock runs. Throws UPDATE_REFUSED. */
async function startedAnew(
  desk: NodeDesk,
  { entry, image }: { readonly entry: NodeEntry; readonly image: Image },
  { lookMs = 1_000 }: UpdateOptions,
): Promise<KnownNode> {
  let said = "nothing";
  for (let look = 0; look < STARTS_MAX; look++) {
    const node = await desk.greet(entry).catch((error: unknown) => {
      if (hasCode(error, "DEVICE_TIMEOUT") || hasCode(error, "DEVICE_GARBLED")) return undefined;
      throw error;
    });
    if (node?.firmware === image.version) return node;
    said = node?.firmware ?? said;
    await wait(lookMs);
  }
  const what = `node ${entry.number} does not start with ${image.version}: it says ${said}, and goes back to what it ran`;
  throw new FieldwattError("UPDATE_REFUSED", what);
}
