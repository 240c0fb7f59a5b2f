import { link, open, rename, rm } from "node:fs/promises";

interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Writes a file whole or not at all; it is on the disk when this resolves. Only its owner reads it, or whoever `access`
 * of the file that it takes the place of let in.
 */
export async function writeSecretFile(
  file: string,
  text: string | Uint8Array,
  access?: Access,
): Promise<void> {
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
