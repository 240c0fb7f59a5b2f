import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** What the journal asks of the disk. A test hands in one that fails where the test says. */
export interface JournalDisk {
  /** Makes a file of zeros that is on the disk with its name. Throws, and leaves nothing, where there is no room. */
  create(path: string, bytes: number): void;
  open(path: string): number;
  write(fd: number, bytes: Uint8Array, at: number): void;
  sync(fd: number): void;
  close(fd: number): void;
}

const ZEROS = Buffer.alloc(256 * 1024);

function writeAll(fd: number, bytes: Uint8Array, at: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(fd, bytes, written, bytes.length - written, at + written);
}

function create(path: string, bytes: number): void {
  const fd = openSync(path, "w");
  try {
    for (let at = 0; at < bytes; at += ZEROS.length)
      writeAll(fd, ZEROS.subarray(0, Math.min(ZEROS.length, bytes - at)), at);
    fsyncSync(fd);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export const realDisk: JournalDisk = {
  create,
  open: (path) => openSync(path, "r+"),
  write: writeAll,
  // The file keeps its size, so data alone is enough; a later read of its time of change does not matter.
  sync: (fd) => fdatasyncSync(fd),
  close: (fd) => closeSync(fd),
};
