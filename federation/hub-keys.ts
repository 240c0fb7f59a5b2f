import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { writeSecretFile } from "../platform/secret-file.ts";
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
