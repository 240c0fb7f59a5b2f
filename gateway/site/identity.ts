import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FieldwattError, messageOf, type Entropy } from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { generateKeyPair, keyPairFromPem, privateKeyToPem, type KeyPair } from "../../protocol/keys.ts";

/** What this gateway alone has: its signing key, and the secret behind its members' pseudonyms. */
export interface Identity {
  readonly keys: KeyPair;
  readonly secret: Uint8Array;
}

/** Reads the identity in the data folder, or makes it at the first start; readable by this user only. */
export async function openIdentity(dataDir: string, entropy: Entropy): Promise<Identity> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const pem = await readOrMake(join(dataDir, "gateway.key"), () =>
      privateKeyToPem(generateKeyPair().privateKey),
    );
    const secret = await readOrMake(join(dataDir, "pseudonym.secret"), () =>
      Buffer.from(entropy(32)).toString("hex"),
    );
    return { keys: keyPairFromPem(pem), secret: Buffer.from(secret.trim(), "hex") };
  } catch (cause) {
    if (cause instanceof FieldwattError) throw cause;
    throw new FieldwattError(
      "FOLDER_UNWRITABLE",
      `${dataDir} cannot be used as the data folder: ${messageOf(cause)}`,
      { cause },
    );
  }
}

async function readOrMake(file: string, make: () => string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const text = make();
  await writeSecretFile(file, text);
  return text;
}
