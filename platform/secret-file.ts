import { link, open, rename, rm } from "node:fs/promises";
import { openTurns, type InTurn } from "./turns.ts";

interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Those who write a file at a time, and how many they are: all would begin with the same fresh one. */
const writers = new Map<string, { readonly inTurn: InTurn; count: number }>();

/**
 * Writes a file whole or not at all; it is on the disk when this resolves. Only its owner reads it, or whoever `access`
 * of the file that it takes the place of let in. What this process writes to one file at a time is written in turn: the last
 * that was asked for stays.
 */
export async function writeSecretFile(
  file: string,
  text: string | Uint8Array,
  access?: Access,
): Promise<void> {
  const writing = writers.get(file) ?? { inTurn: openTurns(), count: 0 };
  writers.set(file, writing);
  writing.count++;
  try {
    await writing.inTurn(() => replace(file, text, access));
  } finally {
    if (--writing.count === 0) writers.delete(file);
  }
}

async function replace(file: string, text: string | Uint8Array, access: Access | undefined): Promise<void> {
  const fresh = `${file}.new`;
  {
    await using handle = await open(fresh, "w", 0o600);
    await handle.writeFile(text);
    await handle.sync();
    if (access) await handle.chown(access.uid, access.gid);
    await handle.chmod(access ? access.mode & 0o777 : 0o600);
  }
  await rename(fresh, file);
}

/**
 * Writes a file that is not there yet, for another process to take: it appears whole, never empty or in part. Rejects
 * with EEXIST where there is one.
 */
export async function writeNewSecretFile(file: string, text: string): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  try {
    await writeSecretFile(fresh, text);
    await link(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
}
