import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { HEADER, placeOfLine } from "./csv-lines.ts";

/** The size of a file in bytes; 0 where there is none. */
export const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return 0;
      throw error;
    },
  );

/** Cuts a file back; one of which nothing is to stay is deleted. A file that is gone stays gone. */
export async function cutBack(file: string, size: number): Promise<void> {
  if ((await sizeOf(file)) <= size) return;
  if (size === 0) return rm(file, { force: true });
  await using handle = await open(file, "r+");
  await handle.truncate(size);
  await handle.sync();
}

/**
 * Writes lines behind the first `size` bytes and ends the file there: the same again, after a write that failed half
 * way, gives the same file. @returns the new size
 */
export async function writeBehind(file: string, size: number, lines: string): Promise<number> {
  if (size === 0) await mkdir(dirname(file), { recursive: true });
  const bytes = Buffer.from(size === 0 ? HEADER + lines : lines);
  await using handle = await open(file, size === 0 ? "w" : "r+");
  await handle.truncate(size);
  await handle.write(bytes, 0, bytes.length, size);
  return size + bytes.length;
}

export async function syncFile(file: string): Promise<void> {
  await using handle = await open(file, "r+");
  await handle.sync();
}

/** The last place of each stream in a file. Memory is bounded by the streams of one device. */
export interface Last {
  readonly time: number;
  readonly sequence: number;
}

export async function lastPlaces(file: string): Promise<Map<string, Last>> {
  const last = new Map<string, Last>();
  for await (const line of linesOf(file)) {
    const place = placeOfLine(line);
    if (place && isLater(place, last.get(place.stream))) last.set(place.stream, place);
  }
  return last;
}

export const isLater = (place: Last, last: Last | undefined): boolean =>
  last === undefined ||
  place.time > last.time ||
  (place.time === last.time && place.sequence > last.sequence);

/** Takes out of `lines` (each with its \n) what the file holds already. */
export async function dropKnown(file: string, lines: Set<string>): Promise<void> {
  for await (const line of linesOf(file)) lines.delete(`${line}\n`);
}

async function* linesOf(file: string): AsyncGenerator<string> {
  if ((await sizeOf(file)) > 0)
    yield* createInterface({ input: createReadStream(file), crlfDelay: Infinity });
}

/** `day.csv` becomes `day.csv.gz`. The packed file is whole on the disk before the other goes. */
export async function pack(file: string): Promise<void> {
  await convert(file, `${file}.gz`, createGzip());
}

/** A packed day to which something late comes is unpacked again. Where both are there, the plain one is the whole. */
export async function unpack(file: string): Promise<void> {
  const packed = `${file}.gz`;
  if ((await sizeOf(packed)) === 0) return;
  if ((await sizeOf(file)) === 0) await convert(packed, file, createGunzip());
  await rm(packed, { force: true });
}

async function convert(from: string, to: string, through: NodeJS.ReadWriteStream): Promise<void> {
  await pipeline(createReadStream(from), through, createWriteStream(`${to}.new`));
  await syncFile(`${to}.new`);
  await rename(`${to}.new`, to);
  await rm(from, { force: true });
}
