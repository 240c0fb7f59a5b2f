import { createHash } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";

/**
 * A folder as one run of bytes that can be read from any place on: a line of JSON that lists the files, then their
 * bytes one after another. The same folder gives the same bytes, which is what lets an interrupted backup go on.
 */
export interface ArchivedFile {
  /** Relative to the folder, with "/" between names. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

export interface Manifest {
  readonly version: 1;
  readonly site: string;
  /** ISO 8601, by the gateway's clock. */
  readonly made: string;
  readonly files: readonly ArchivedFile[];
}

/** Every file below `folder`, in the order of their names. */
export async function listFiles(folder: string): Promise<ArchivedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  return Promise.all(
    paths.map(async (file) => ({
      path: relative(folder, file).split(sep).join("/"),
      bytes: (await stat(file)).size,
      sha256: await digestOf(file),
    })),
  );
}

export async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await using handle = await open(file);
  for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** The first line of an archive. */
export const manifestLine = (manifest: Manifest): Buffer => Buffer.from(`${JSON.stringify(manifest)}\n`);

export const archiveBytes = (manifest: Manifest): number =>
  manifestLine(manifest).length + manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);

/** `length` bytes of the archive from `from` on; fewer at its end. */
export async function readArchive(
  folder: string,
  manifest: Manifest,
  { from, length }: { readonly from: number; readonly length: number },
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let start = 0;
  const take = async (bytes: number, read: (at: number, count: number) => Promise<Buffer>): Promise<void> => {
    const [first, end] = [Math.max(from, start), Math.min(from + length, start + bytes)];
    if (first < end) pieces.push(await read(first - start, end - first));
    start += bytes;
  };
  const line = manifestLine(manifest);
  await take(line.length, (at, count) => Promise.resolve(line.subarray(at, at + count)));
  for (const { path, bytes } of manifest.files)
    await take(bytes, (at, count) => readPiece(join(folder, path), at, count));
  return Buffer.concat(pieces);
}

async function readPiece(file: string, at: number, count: number): Promise<Buffer> {
  await using handle = await open(file);
  const piece = Buffer.alloc(count);
  let read = 0;
  while (read < count) {
    const { bytesRead } = await handle.read(piece, read, count - read, at + read);
    if (bytesRead === 0) throw new RangeError(`${file} became shorter while it was read`);
    read += bytesRead;
  }
  return piece;
}
