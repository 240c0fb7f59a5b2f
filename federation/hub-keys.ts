import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { generateKeyPair, keyPairFromPem, privateKeyToPem, type KeyPair } from "../protocol/keys.ts";

/**
 * The hub's own Ed25519 key, `hub.key` in its data folder, made at the first start. It reaches the disk before
 * anything is signed with it: gateways pin its public half.
 * @throws FieldwattError KEY_INVALID, or FOLDER_UNWRITABLE
 */
export async function openHubKeys(dir: string): Promise<KeyPair> {
  const file = join(dir, "hub.key");
  try {
    return keyPairFromPem(await readFile(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const keys = generateKeyPair();
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeSecretFile(file, privateKeyToPem(keys.privateKey));
  } catch (cause) {
    throw new FieldwattError("FOLDER_UNWRITABLE", `${dir} cannot be written: ${messageOf(cause)}`, { cause });
  }
  return keys;
}

interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Writes a file whole or not at all; it is on the disk when this resolves. Only its owner reads it, or whoever `access`
 * of the file that it takes the place of let in.
 */
export async function writeSecretFile(file: string, text: string, access?: Access): Promise<void> {
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
