import { setTimeout as wait } from "node:timers/promises";
import { createHash } from "node:crypto";
import { FieldwattError } from "../../domain/model/index.ts";
import type { Image } from "../field-link/image.ts";
import type { SlotImage, SmpClient } from "./client.ts";

/** Bytes of a packet that are not the chunk: header, keys, offset; at offset 0 also length and hash. */
const AROUND = 40;
const AROUND_FIRST = 100;
/** A chunk that does not move the offset, so often in a row, ends the upload. */
const STANDSTILL_MAX = 5;
const STARTS_MAX = 60;

export interface SmpUpdateOptions {
  /** Whether the node is well with its new program; it is confirmed only then, and MCUboot reverts it otherwise. */
  isWell(): Promise<boolean>;
  /** Between two looks at a node that starts anew; 1 s where absent. */
  readonly lookMs?: number;
}

/**
 * Updates a capable node with an image that was verified (drivers/field-link/image.ts): upload, which goes on where an
 * earlier one stopped, a trial start, and the confirmation after the health check. Without it MCUboot takes the old image
 * back at the next start (mcu-tools/mcuboot, docs/design.md, "Image swapping").
 * Throws UPDATE_REFUSED, DEVICE_REFUSED, DEVICE_TIMEOUT, DEVICE_GARBLED, BUS_CLOSED.
 */
export async function updateBySmp(client: SmpClient, image: Image, options: SmpUpdateOptions): Promise<void> {
  const hash = Buffer.from(image.sha256).toString("hex");
  const runs = await active(client);
  if (runs?.hash !== hash) {
    await upload(client, image.bytes);
    const waiting = (await client.images()).find((one) => one.hash === hash);
    if (!waiting) throw refused("what arrived is not what was sent");
    await client.choose(image.sha256, false);
    await client.reset();
  }
  const started = await startedAnew(client, hash, options);
  if (started?.confirmed) return;
  if (started && (await options.isWell())) return client.choose(image.sha256, true);
  // Not confirmed: the next start is the old image's.
  if (started) await client.reset();
  throw refused(started ? "the node is not well with it, and goes back" : "the node did not start with it");
}

const refused = (why: string): FieldwattError =>
  new FieldwattError("UPDATE_REFUSED", `the update failed: ${why}`);

const active = async (client: SmpClient): Promise<SlotImage | undefined> =>
  (await client.images()).find((image) => image.active);

/** The node says which offset it waits for, after an interruption too, where the hash is the same. */
async function upload(client: SmpClient, bytes: Uint8Array): Promise<void> {
  const room = await client.bufferBytes();
  const sha = createHash("sha256").update(bytes).digest();
  let offset = 0;
  for (let still = 0; offset < bytes.length;) {
    const around = offset === 0 ? AROUND_FIRST : AROUND;
    const data = bytes.subarray(offset, offset + room - around);
    const first = offset === 0 && { len: bytes.length, sha: Uint8Array.from(sha) };
    const next = await client.upload({ off: offset, data, ...first });
    still = next > offset ? 0 : still + 1;
    if (still === STANDSTILL_MAX || next > bytes.length) throw refused(`it stands still at byte ${next}`);
    offset = next;
  }
}

async function startedAnew(
  client: SmpClient,
  hash: string,
  { lookMs = 1_000 }: SmpUpdateOptions,
): Promise<SlotImage | undefined> {
  for (let look = 0; look < STARTS_MAX; look++) {
    const runs = await active(client).catch(() => undefined);
    if (runs?.hash === hash) return runs;
    await wait(lookMs);
  }
  return undefined;
}
