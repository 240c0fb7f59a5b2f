import { timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
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

export interface DevicePasswords {
  isRight(device: string, password: string): Promise<boolean>;
}

/**
 * The passwords for signing in. A changed file is read anew, so that a new password needs no restart; an unchanged one
 * is not, because after a break all devices of a village sign in within a second.
 */
export function openDevicePasswords(dataDir: string): DevicePasswords {
  let known: { readonly version: string; readonly hashes: Record<string, string> } | undefined;
  const current = async (): Promise<Record<string, string>> => {
    const version = await versionOf(fileOf(dataDir));
    if (known?.version !== version) known = { version, hashes: await readHashes(dataDir) };
    return known.hashes;
  };
  return {
    async isRight(device, password) {
      const hashes = await current();
      const hash = Object.hasOwn(hashes, device) ? hashes[device] : undefined;
      if (hash === undefined) return false;
      return timingSafeEqual(Buffer.from(hash, "hex"), Buffer.from(sha256Hex(password), "hex"));
    },
  };
}

/** Changes whenever the file does: it is written as a new file each time. */
async function versionOf(file: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(file, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
