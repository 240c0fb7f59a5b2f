import { mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  FieldwattError,
  hasCode,
  messageOf,
  toIso,
  type Entropy,
  type Instant,
} from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { LAST_BACKUP_FILE } from "../record/health.ts";
import { archiveBytes, listFiles, manifestLine, readArchive, type Manifest } from "./archive.ts";
import { chunkStart, headerLine, openChunk, readHeader, wholeChunks } from "./container.ts";
import { CHUNK_BYTES, newHeader, openSeal, SALT_BYTES, type Seal, type SealHeader } from "./seal.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { SiteSources } from "./sources.ts";

/** Shorter ones are guessed in minutes. */
export const PASSPHRASE_LENGTH_MIN = 12;
/** An interrupted backup that is older is begun anew: nobody wants last month's readings under today's name. */
const RESUME_WITHIN_MS = 7 * 86_400_000;

export interface BackupOptions {
  readonly sources: SiteSources;
  /** The file to write; it appears under this name when it is whole, and is never written over. */
  readonly target: string;
  /**
   * Where the snapshot lies meanwhile, unsealed; `.backup` of the data folder where absent. For a disk that takes no
   * more writes, and never the stick.
   */
  readonly work?: string;
  readonly passphrase: string;
  readonly entropy: Entropy;
  readonly now: Instant;
  readonly signal?: AbortSignal;
  onProgress(done: { readonly bytes: number; readonly of: number }): void;
}

export interface BackupResult {
  readonly file: string;
  readonly files: number;
  readonly bytes: number;
  /** Bytes that an earlier, interrupted run had written and that were not written again. */
  readonly resumedFrom: number;
}

/** What an interrupted backup needs to go on: the same bytes under the same key. */
interface Plan {
  readonly target: string;
  readonly header: SealHeader;
  readonly manifest: Manifest;
}

/**
 * Seals everything that a gateway is made of into one file, while the gateway runs.
 *
 * A snapshot is taken first, see `work`; it stays there until the backup is whole, so that a
 * stick that was pulled out, or a power cut, costs only what was not written yet: the same call goes on.
 *
 * @throws FieldwattError OPTION_INVALID (passphrase too short, target exists), BACKUP_NO_ROOM, FOLDER_UNWRITABLE
 */
export async function makeBackup(options: BackupOptions): Promise<BackupResult> {
  const { sources, passphrase } = options;
  if (passphrase.length < PASSPHRASE_LENGTH_MIN)
    throw new FieldwattError("OPTION_INVALID", `The passphrase needs ${PASSPHRASE_LENGTH_MIN} characters.`);
  const target = resolve(options.target);
  await refuseExisting(target);
  const staging = join(resolve(options.work ?? sources.data), ".backup");
  const plan = await planOf(options, { staging, target });
  const seal = openSeal(passphrase, plan.header);
  const partial = `${target}.partial`;
  const resumedFrom = await writeChunks({
    ...options,
    plan,
    seal,
    partial,
    snapshot: join(staging, "snapshot"),
  });
  await rename(partial, target);
  await rm(staging, { recursive: true, force: true });
  await noteBackup(sources.data, { made: plan.manifest.made, file: target });
  const bytes = archiveBytes(plan.manifest);
  return { file: target, files: plan.manifest.files.length, bytes, resumedFrom };
}

/** For `/health` and the operator's page. A backup is none the worse where the note cannot be written. */
async function noteBackup(data: string, { made, file }: { made: string; file: string }): Promise<void> {
  const note = JSON.stringify({ made: Date.parse(made), file });
  await writeFile(join(data, LAST_BACKUP_FILE), note).catch(() => undefined);
}

async function refuseExisting(target: string): Promise<void> {
  const found = await open(target, "r").catch(() => undefined);
  await found?.close();
  if (found)
    throw new FieldwattError(
      "OPTION_INVALID",
      `${target} is there already: give the new backup another name.`,
    );
}

/** The plan of the interrupted backup of this target, or a new snapshot with a new one. */
async function planOf(
  { sources, entropy, now }: BackupOptions,
  { staging, target }: { readonly staging: string; readonly target: string },
): Promise<Plan> {
  const file = join(staging, "plan.json");
  const earlier = await readFile(file, "utf8").then(
    (text) => JSON.parse(text) as Plan,
    () => undefined,
  );
  if (earlier?.target === target && now - Date.parse(earlier.manifest.made) < RESUME_WITHIN_MS)
    return earlier;
  const snapshot = join(staging, "snapshot");
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    const message = `The copy cannot be made in ${dirname(staging)} (--work says where): ${messageOf(cause)}`;
    throw new FieldwattError("FOLDER_UNWRITABLE", message, { cause });
  });
  await takeSnapshot(sources, snapshot);
  const files = await listFiles(snapshot);
  const manifest: Manifest = { version: 1, site: sources.id, made: toIso(now), files };
  if (manifestLine(manifest).length > CHUNK_BYTES)
    throw new FieldwattError("OPTION_INVALID", `${sources.data} holds too many files (${files.length}).`);
  const plan = { target, header: newHeader(entropy(SALT_BYTES)), manifest };
  await writeSecretFile(file, JSON.stringify(plan));
  return plan;
}

interface Writing extends BackupOptions {
  readonly plan: Plan;
  readonly seal: Seal;
  readonly partial: string;
  readonly snapshot: string;
}

/** @returns the bytes that were there already */
async function writeChunks(writing: Writing): Promise<number> {
  const { plan, seal, partial, snapshot, signal, onProgress } = writing;
  const total = archiveBytes(plan.manifest);
  const chunks = Math.ceil(total / CHUNK_BYTES);
  await using file = await openPartial(partial);
  const header = headerLine(plan.header);
  const done = await chunksThatOpen(file, writing, chunks - 1);
  await file.truncate(done === 0 ? 0 : chunkStart(done, header.length));
  if (done === 0) await file.write(header, 0, header.length, 0);
  for (let index = done; index < chunks; index++) {
    signal?.throwIfAborted();
    const plain = await readArchive(snapshot, plan.manifest, {
      from: index * CHUNK_BYTES,
      length: CHUNK_BYTES,
    });
    const sealed = seal.close(index, index === chunks - 1, plain);
    await file.write(sealed, 0, sealed.length, chunkStart(index, header.length));
    onProgress({ bytes: Math.min(total, (index + 1) * CHUNK_BYTES), of: total });
  }
  await file.sync();
  return done * CHUNK_BYTES;
}

async function openPartial(partial: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(partial), { recursive: true });
    return await open(partial, "a+", 0o600).then(async (handle) => {
      await handle.close();
      return open(partial, "r+");
    });
  } catch (error) {
    throw new FieldwattError("FOLDER_UNWRITABLE", `The backup cannot be written: ${messageOf(error)}`);
  }
}

/** How many chunks from the beginning an earlier run of this very plan left whole; the last chunk is always written. */
async function chunksThatOpen(file: FileHandle, { plan, seal }: Writing, most: number): Promise<number> {
  const found = await readHeader(file).catch(() => undefined);
  if (JSON.stringify(found?.header) !== JSON.stringify(plan.header) || !found) return 0;
  const { size } = await file.stat();
  const whole = Math.min(most, wholeChunks(size, found.bytes));
  for (let index = 0; index < whole; index++) {
    try {
      // Of a file that is not whole no chunk is the last.
      await openChunk(file, seal, { index, bytes: found.bytes, size: Number.POSITIVE_INFINITY });
    } catch (error) {
      if (hasCode(error, "BACKUP_DAMAGED") && index > 0) return index;
      throw error;
    }
  }
  return whole;
}
