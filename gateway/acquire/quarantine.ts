import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, type Instant } from "../../domain/model/index.ts";
import type { BrokerMessage } from "../../platform/broker.ts";
import type { Logger } from "../../platform/log.ts";

/**
 * Messages that the gateway cannot take, however often they come. Without it a device that keeps what is not
 * acknowledged would send the same one for ever and nothing after it. They are kept in `quarantine.json` in the data
 * folder, for the operator to look at; the same fault of one device on one topic is one entry that counts.
 */
export interface Quarantined {
  readonly device: string;
  readonly topic: string;
  readonly reason: string;
  /** When it came last, ms since 1970. */
  readonly time: Instant;
  /** How many messages this entry stands for. */
  readonly times: number;
  /** Length of the last one, bytes, and its beginning in base64. */
  readonly bytes: number;
  readonly payload: string;
}

export interface Quarantine {
  /** Resolves when the message is in the file; rejects when the file cannot be written. */
  put(message: BrokerMessage, reason: string): Promise<void>;
  list(): readonly Quarantined[];
}

/** Entries of one device, and of all; beyond it the oldest go. */
export const ENTRIES_PER_DEVICE_MAX = 10;
export const ENTRIES_MAX = 200;
const PAYLOAD_BYTES_MAX = 256;
const TEXT_MAX = 300;

export interface QuarantineOptions {
  readonly folder: string;
  now(): Instant;
  readonly log: Logger;
}

export async function openQuarantine({ folder, now, log }: QuarantineOptions): Promise<Quarantine> {
  const file = join(folder, "quarantine.json");
  const entries = new Map((await read(file, log)).map((entry) => [keyOf(entry), entry]));
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    const half = `${file}.new`;
    await writeFile(half, JSON.stringify([...entries.values()], null, 1), { mode: 0o600 });
    await rename(half, file);
  };
  // Whoever comes during one write shares the next.
  const save = (): Promise<void> => {
    if (next) return next;
    const before = writing ?? Promise.resolve();
    next = before
      .catch(() => undefined)
      .then(() => {
        writing = next;
        next = undefined;
        return write();
      });
    return next;
  };

  return {
    put(message, reason) {
      const fresh = entryOf(message, reason.slice(0, TEXT_MAX), now());
      const key = keyOf(fresh);
      const before = entries.get(key);
      if (!before)
        log.warn(
          { device: fresh.device, topic: fresh.topic, reason: fresh.reason },
          "a message that cannot be taken is in quarantine and acknowledged",
        );
      entries.delete(key);
      entries.set(key, { ...fresh, times: (before?.times ?? 0) + 1 });
      trim(entries, fresh.device);
      return save();
    },
    list: () => [...entries.values()],
  };
}

const keyOf = ({ device, topic, reason }: Quarantined): string => JSON.stringify([device, topic, reason]);

function entryOf({ user, topic, payload }: BrokerMessage, reason: string, time: Instant): Quarantined {
  const start = Buffer.from(payload.subarray(0, PAYLOAD_BYTES_MAX)).toString("base64");
  return {
    device: user,
    topic: topic.slice(0, TEXT_MAX),
    reason,
    time,
    times: 1,
    bytes: payload.length,
    payload: start,
  };
}

/** The oldest of the device, then the oldest of all: one noisy device does not push out what others have. */
function trim(entries: Map<string, Quarantined>, device: string): void {
  const own = [...entries].filter(([, entry]) => entry.device === device);
  for (const [key] of own.slice(0, Math.max(0, own.length - ENTRIES_PER_DEVICE_MAX))) entries.delete(key);
  const [oldest] = entries.keys();
  if (entries.size > ENTRIES_MAX && oldest !== undefined) entries.delete(oldest);
}

/** A file that cannot be read is no reason not to read meters. */
async function read(file: string, log: Logger): Promise<Quarantined[]> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Quarantined[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ file, reason: messageOf(error) }, "the quarantine cannot be read and begins anew");
    return [];
  }
}
