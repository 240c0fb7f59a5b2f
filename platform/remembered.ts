import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { deserialize, serialize } from "node:v8";
import { writeSecretFile } from "./secret-file.ts";

/**
 * Values that take long to make of a text and are the same each time: what a site file says, once it was found right. A
 * gateway that starts again need not parse and check what nobody has changed since
 * (docs/decisions/0014-how-a-gateway-starts.md).
 */
export interface Remembered {
  /** What was made of this text before; made now where that is not known. Rejects as `make` does, and keeps nothing then. */
  of<T>(what: string, text: string, make: () => Promise<T>): Promise<T>;
  /** Writes what was asked for since it was opened, and nothing else, where that is news. Rejects with what the disk says. */
  save(): Promise<void>;
}

/** For those who start once. */
export const forgetful: Remembered = { of: (_what, _text, make) => make(), save: async () => undefined };

const DIGEST_BYTES = 32;

/**
 * Remembers in a file that only its owner reads. Another program's (`program` names the build) and one that is torn or
 * changed count for nothing.
 */
export async function openRemembered(file: string, program: string): Promise<Remembered> {
  const before = await readFrom(file, program);
  const now = new Map<string, unknown>();
  return {
    async of<T>(what: string, text: string, make: () => Promise<T>): Promise<T> {
      const key = digestOf(`${what}\n${text}`).toString("base64");
      const value = before.has(key) ? (before.get(key) as T) : await make();
      now.set(key, value);
      return value;
    },
    async save() {
      if (now.size === before.size && [...now.keys()].every((key) => before.has(key))) return;
      const bytes = serialize([program, now]);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeSecretFile(file, Buffer.concat([digestOf(bytes), bytes]));
    },
  };
}

const digestOf = (bytes: Uint8Array | string): Buffer => createHash("sha256").update(bytes).digest();

async function readFrom(file: string, program: string): Promise<ReadonlyMap<string, unknown>> {
  try {
    const whole = await readFile(file);
    const bytes = whole.subarray(DIGEST_BYTES);
    if (!digestOf(bytes).equals(whole.subarray(0, DIGEST_BYTES))) return new Map();
    const [of, values] = deserialize(bytes) as [string, ReadonlyMap<string, unknown>];
    return of === program ? values : new Map();
  } catch {
    return new Map();
  }
}
