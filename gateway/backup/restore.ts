import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { z } from "zod";
import { FieldwattError, type Instant } from "../../domain/model/index.ts";
import { archiveBytes, digestOf, type ArchivedFile, type Manifest } from "./archive.ts";
import { openChunk, readHeader } from "./container.ts";
import { markRestored } from "./mark.ts";
import { CHUNK_BYTES, openSeal } from "./seal.ts";

export interface RestoreOptions {
  readonly file: string;
  /** A folder that is not there yet, or is empty. */
  readonly into: string;
  readonly passphrase: string;
  readonly now: Instant;
  /** Members' consents of the backup stand; only where nobody can have taken one back since it was made. */
  readonly keepConsents?: boolean;
  readonly signal?: AbortSignal;
  onProgress(done: { readonly bytes: number; readonly of: number }): void;
}

export interface Restored {
  readonly manifest: Manifest;
  readonly consentsEnded: number;
}

const manifestSchema = z.strictObject({
  version: z.literal(1),
  site: z.string(),
  made: z.string(),
  files: z.array(
    z.strictObject({
      // A path that climbs out of the folder would write over the machine's own files.
      path: z.string().refine((path) => path.split("/").every((part) => !["", ".", ".."].includes(part))),
      bytes: z.int().nonnegative(),
      sha256: z.string().length(64),
    }),
  ),
});

/**
 * Opens a backup into a new folder: `site/` with the site file and what lay beside it, `data/` with the rest. It
 * works in `INTO.restoring` and gives the folder its name when every file has its digest; an interrupted restore
 * goes on behind the files that are whole.
 *
 * The record is marked, and its consents are ended, see `markRestored`.
 *
 * @throws FieldwattError BACKUP_INVALID, BACKUP_DAMAGED (also for a wrong passphrase), OPTION_INVALID
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const into = resolve(options.into);
  await refuseFull(into);
  await using archive = await openArchive(options);
  const { manifest } = archive;
  const work = `${into}.restoring`;
  await mkdir(work, { recursive: true, mode: 0o700 });
  let from = archive.begin;
  for (const file of manifest.files) {
    options.signal?.throwIfAborted();
    await restoreFile(archive, { file, from, to: placeOf(work, file.path) });
    from += file.bytes;
    options.onProgress({ bytes: from, of: archiveBytes(manifest) });
  }
  const { now, keepConsents = false } = options;
  const consentsEnded = markRestored(work, { now, keepConsents });
  await rm(into, { recursive: true, force: true });
  await rename(work, into);
  return { manifest, consentsEnded };
}

/** What a backup holds, without restoring it; every chunk is opened, so that a damaged one is found. */
export async function checkBackup(options: Omit<RestoreOptions, "into" | "now">): Promise<Manifest> {
  await using archive = await openArchive(options);
  const total = archiveBytes(archive.manifest);
  for (let from = 0; from < total; from += CHUNK_BYTES) {
    options.signal?.throwIfAborted();
    await archive.read(from, Math.min(CHUNK_BYTES, total - from));
    options.onProgress({ bytes: Math.min(total, from + CHUNK_BYTES), of: total });
  }
  return archive.manifest;
}

async function refuseFull(into: string): Promise<void> {
  const found = await readdir(into).catch(() => []);
  if (found.length > 0)
    throw new FieldwattError("OPTION_INVALID", `${into} is not empty: restore into a new folder.`);
}

interface Archive extends AsyncDisposable {
  readonly manifest: Manifest;
  /** Where the first file begins. */
  readonly begin: number;
  read(from: number, length: number): Promise<Buffer>;
}

async function openArchive({
  file: path,
  passphrase,
}: Pick<RestoreOptions, "file" | "passphrase">): Promise<Archive> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw new FieldwattError("BACKUP_INVALID", `${path} cannot be read.`, { cause });
  });
  try {
    const chunk = await chunkReader(file, passphrase);
    const { manifest, begin } = manifestOf(await chunk(0));
    const read: Archive["read"] = (from, length) => readStretch(chunk, from, length);
    return { manifest, begin, read, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

type ChunkReader = (index: number) => Promise<Buffer>;

/** The chunk read last is kept, because files are smaller than chunks. */
async function chunkReader(file: FileHandle, passphrase: string): Promise<ChunkReader> {
  const { header, bytes } = await readHeader(file);
  const seal = openSeal(passphrase, header);
  const { size } = await file.stat();
  let held: { index: number; plain: Buffer } | undefined;
  return async (index) => {
    if (held?.index !== index)
      held = { index, plain: (await openChunk(file, seal, { index, bytes, size })).plain };
    return held.plain;
  };
}

async function readStretch(chunk: ChunkReader, from: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = from; at < from + length;) {
    const inside = at % CHUNK_BYTES;
    const plain = await chunk(Math.floor(at / CHUNK_BYTES));
    const piece = plain.subarray(inside, inside + from + length - at);
    if (piece.length === 0) throw new FieldwattError("BACKUP_DAMAGED", "The backup ends too early.");
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

/** The list of files, which is shorter than one chunk (`makeBackup` sees to it). */
function manifestOf(first: Buffer): { manifest: Manifest; begin: number } {
  const end = first.indexOf(0x0a);
  const parsed = manifestSchema.safeParse(end < 0 ? undefined : JSON.parse(first.toString("utf8", 0, end)));
  if (!parsed.success) throw new FieldwattError("BACKUP_INVALID", "The backup does not list its files.");
  return { manifest: parsed.data, begin: end + 1 };
}

const placeOf = (folder: string, path: string): string => join(folder, path.split("/").join(sep));

async function restoreFile(
  archive: Archive,
  { file, from, to }: { readonly file: ArchivedFile; readonly from: number; readonly to: string },
): Promise<void> {
  const there = await digestOf(to).catch(() => undefined);
  if (there === file.sha256) return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  await using handle = await open(to, "w", 0o600);
  for (let at = 0; at < file.bytes; at += CHUNK_BYTES) {
    const piece = await archive.read(from + at, Math.min(CHUNK_BYTES, file.bytes - at));
    hash.update(piece);
    await handle.write(piece);
  }
  await handle.sync();
  if (hash.digest("hex") !== file.sha256)
    throw new FieldwattError("BACKUP_DAMAGED", `${file.path} of the backup is not what was put in.`);
}
