import { timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Entropy } from "../../domain/model/index.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";
import { sha256Hex } from "../../protocol/keys.ts";

/**
 * The village broker's passwords: one for each MQTT device, made here, never chosen. They are 144 random bits, so
 * that a plain SHA-256 is enough to keep them by; the password itself is shown once and kept nowhere.
 */
const fileOf = (dataDir: string): string => join(dataDir, "device-passwords.json");

async function readHashes(dataDir: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(fileOf(dataDir), "utf8")) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** Gives each device a new password. @returns the passwords, to be shown once */
export async function setDevicePasswords(
  dataDir: string,
  devices: readonly string[],
  entropy: Entropy,
): Promise<Record<string, string>> {
  const passwords = Object.fromEntries(
    devices.map((id) => [id, Buffer.from(entropy(18)).toString("base64url")]),
  );
  const hashes = { ...(await readHashes(dataDir)) };
  for (const [id, password] of Object.entries(passwords)) hashes[id] = sha256Hex(password);
  await writeSecretFile(fileOf(dataDir), JSON.stringify(hashes, null, 2));
  return passwords;
}

/** Read anew at each sign-in, which is rare: a changed password needs no restart. */
export async function isDevicePassword(dataDir: string, device: string, password: string): Promise<boolean> {
  const hash = (await readHashes(dataDir))[device];
  if (hash === undefined) return false;
  return timingSafeEqual(Buffer.from(hash, "hex"), Buffer.from(sha256Hex(password), "hex"));
}
