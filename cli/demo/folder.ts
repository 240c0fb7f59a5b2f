import { access, constants, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { ClockLine } from "../../platform/clock.ts";
import { writeSecretFile } from "../../platform/secret-file.ts";

/** What a village's folder remembers from one start to the next. */
export interface DemoState {
  readonly households: number;
  readonly seed: number;
  /** The village's time at its very first start. */
  readonly commissioned: number;
  /** The village's time may have come this far: a later start never begins earlier. */
  readonly reached: number;
}

/** Monday 15 June 2026, 09:50 in Nairobi: the sun is up, and everything has started when the next quarter hour begins. */
const FIRST_MOMENT = Date.UTC(2026, 5, 15, 6, 50);
/** How far ahead of itself the clock is promised: a process that is killed has gone less far. */
const LEASE_SECONDS = 10;
const DEFAULTS = { households: 12, seed: 1 };

export interface DemoFolder {
  readonly path: string;
  readonly state: DemoState;
  readonly line: ClockLine;
  readonly isNew: boolean;
  /** Keeps how far the village's clock may have come; called every few seconds. */
  renew(): Promise<void>;
  /** Keeps the exact time at a clean end. */
  close(): Promise<void>;
}

export async function openDemoFolder(options: {
  path: string;
  households?: number | undefined;
  seed?: number | undefined;
  speed: number;
  wallNow: () => number;
}): Promise<DemoFolder> {
  const { path, speed, wallNow } = options;
  await makeWritable(path);
  const file = join(path, "village.json");
  const known = await readState(file);
  for (const key of ["households", "seed"] as const) {
    const asked = options[key];
    if (known && asked !== undefined && asked !== known[key]) {
      throw new FieldwattError(
        "OPTION_INVALID",
        `${path} holds a village with ${key} ${known[key]}, not ${asked}; use --data for another village`,
      );
    }
  }
  const state: DemoState = known ?? {
    households: options.households ?? DEFAULTS.households,
    seed: options.seed ?? DEFAULTS.seed,
    commissioned: FIRST_MOMENT,
    reached: FIRST_MOMENT,
  };
  const line: ClockLine = { world: wallNow(), village: state.reached, speed };
  const villageNow = () => Math.ceil(line.village + (wallNow() - line.world) * speed);
  const leased = () => villageNow() + LEASE_SECONDS * 1000 * speed;
  const keep = writesInTurn((reached: number) =>
    writeSecretFile(file, JSON.stringify({ ...state, reached })),
  );
  await keep(leased);
  return {
    path,
    state,
    line,
    isNew: !known,
    renew: () => keep(leased),
    close: () => keep(villageNow),
  };
}

async function makeWritable(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.W_OK);
    await writeFile(join(path, ".writable"), "");
  } catch (cause) {
    throw new FieldwattError(
      "FOLDER_UNWRITABLE",
      `${path} cannot be written (${messageOf(cause)}); choose another folder with --data`,
      { cause },
    );
  }
}

async function readState(file: string): Promise<DemoState | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as DemoState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FieldwattError(
      "OPTION_INVALID",
      `${file} is damaged (${messageOf(error)}); remove its folder to begin anew, or use --data`,
      { cause: error },
    );
  }
}

/** On a slow disk one write may still be under way when the next is due: each waits for the one before it. */
function writesInTurn(write: (reached: number) => Promise<void>): (reached: () => number) => Promise<void> {
  let last = Promise.resolve();
  return (reached) => {
    // One that failed was told to whoever asked for it.
    last = last.catch(() => undefined).then(() => write(reached()));
    return last;
  };
}
