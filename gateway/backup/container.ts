import type { FileHandle } from "node:fs/promises";
import { FieldwattError } from "../../domain/model/index.ts";
import { CHUNK_BYTES, TAG_BYTES, type Seal, type SealHeader } from "./seal.ts";

/** The file of a backup: its header as one line of JSON, then sealed chunks, all but the last of one length. */
const HEADER_BYTES_MAX = 1_024;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;

export const headerLine = (header: SealHeader): Buffer => Buffer.from(`${JSON.stringify(header)}\n`);

/** @throws FieldwattError BACKUP_INVALID where this is no backup, or one of a newer program */
export async function readHeader(file: FileHandle): Promise<{ header: SealHeader; bytes: number }> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES_MAX), 0, HEADER_BYTES_MAX, 0);
  const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
  const header = end < 0 ? undefined : headerOf(buffer.toString("utf8", 0, end));
  if (!header) throw new FieldwattError("BACKUP_INVALID", "This file is not a backup of Fieldwatt.");
  if (header.version !== 1 || header.chunkBytes !== CHUNK_BYTES)
    throw new FieldwattError("BACKUP_INVALID", "The backup is of a newer Fieldwatt: install that one.");
  return { header, bytes: end + 1 };
}

function headerOf(line: string): SealHeader | undefined {
  try {
    const header = JSON.parse(line) as SealHeader;
    return header.format === "fieldwatt-backup" ? header : undefined;
  } catch {
    return undefined;
  }
}

/** Chunk `index` of a backup's file; `bytes` is the length of its header, `size` of the whole file. */
export async function openChunk(
  file: FileHandle,
  seal: Seal,
  { index, bytes, size }: { readonly index: number; readonly bytes: number; readonly size: number },
): Promise<{ plain: Buffer; last: boolean }> {
  const start = bytes + index * SEALED_BYTES;
  const length = Math.max(0, Math.min(SEALED_BYTES, size - start));
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
  const last = start + length >= size;
  return { plain: seal.open(index, last, buffer.subarray(0, bytesRead)), last };
}

/** Whole chunks that a file of this size can hold. */
export const wholeChunks = (size: number, header: number): number =>
  Math.max(0, Math.floor((size - header) / SEALED_BYTES));

export const chunkStart = (index: number, header: number): number => header + index * SEALED_BYTES;
