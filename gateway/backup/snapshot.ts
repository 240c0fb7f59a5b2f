import { copyFile, cp, mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { backup as copyDatabase, DatabaseSync } from "node:sqlite";
import { FieldwattError } from "../../domain/model/index.ts";
import { framesAfter, holesIn } from "../record/journal/replay.ts";
import { packedFrame } from "../record/progress.ts";
import { openReadOnly } from "../record/read-only.ts";
import { JOURNAL_FOLDER, RECORD_FILE } from "../record/reader.ts";
import type { SiteSources } from "./sources.ts";

/**
 * A copy of everything that a gateway is made of, taken while it runs: databases by SQLite's own online copy, then the
 * journal, which holds all that the copied record has not packed yet (in that order, so that nothing falls between),
 * then keys, policy and site file. Sinks keep their places in the record itself, so that these fit it.
 */

/** Of the data folder: what another run makes again, or what only belongs to a running gateway. */
const LEFT_OUT = /(-wal|-shm|\.new|\.bak|\.lock|\.sock)$|^\.|^backup/;
const MARGIN_BYTES = 16 * 1024 * 1024;
/** The whole file in one step: between two steps a commit of the gateway would begin the copy anew. */
const PAGES_A_STEP = 2 ** 30;
/** Copies of record and journal until the two fit; they fail to only while the gateway packs. */
const TRIES_MAX = 5;

/** The names of the two halves of a snapshot. */
export const DATA = "data";
export const SITE = "site";

export async function takeSnapshot(sources: SiteSources, into: string): Promise<void> {
  await refuseWithoutRoom(sources, into);
  await rm(into, { recursive: true, force: true });
  await mkdir(join(into, DATA), { recursive: true, mode: 0o700 });
  const names = (await readdir(sources.data)).filter((name) => !isLeftOut(sources, name));
  const [databases, others] = [
    names.filter((name) => name.endsWith(".sqlite")),
    names.filter((name) => !name.endsWith(".sqlite")),
  ];
  const copy = (name: string): Promise<void> =>
    cp(join(sources.data, name), join(into, DATA, name), { recursive: true, preserveTimestamps: true });
  for (const name of databases) await snapshotOf(join(sources.data, name), join(into, DATA, name));
  for (const name of others) await copy(name);
  for (let tries = 1; tries < TRIES_MAX && !recordFits(join(into, DATA)); tries++) {
    await snapshotOf(join(sources.data, RECORD_FILE), join(into, DATA, RECORD_FILE));
    await rm(join(into, DATA, JOURNAL_FOLDER), { recursive: true });
    await copy(JOURNAL_FOLDER);
  }
  await copySite(sources, join(into, SITE));
}

const isLeftOut = ({ leftOut }: SiteSources, name: string): boolean =>
  LEFT_OUT.test(name) || leftOut.includes(name);

/**
 * Whether the copied journal goes on where the copied record ends. It may not when the gateway packed meanwhile and
 * wrote over old commits, or was writing one while it was copied. Damage that the record has stays in every copy.
 */
function recordFits(folder: string): boolean {
  const [file, journal] = [join(folder, RECORD_FILE), join(folder, JOURNAL_FOLDER)];
  if (!existsSync(file) || !existsSync(journal)) return true;
  using db = new DatabaseSync(file, { readOnly: true });
  const packed = packedFrame(db);
  const numbers = [...framesAfter(journal, packed)].map(({ number }) => number);
  return holesIn(journal, packed, numbers).length === 0;
}

async function snapshotOf(from: string, to: string): Promise<void> {
  using source = openReadOnly(from);
  await rm(to, { force: true });
  await copyDatabase(source, to, { rate: PAGES_A_STEP });
  // One file without a log beside it, so that what is sealed is whole.
  using copy = new DatabaseSync(to);
  copy.exec("PRAGMA journal_mode = DELETE");
}

/** Files keep their place beside the site file; one from elsewhere goes to `elsewhere/`. */
async function copySite({ file, beside }: SiteSources, into: string): Promise<void> {
  await mkdir(into, { recursive: true, mode: 0o700 });
  await copyFile(file, join(into, basename(file)));
  for (const path of beside) {
    const inside = relative(dirname(file), path);
    const place = inside.startsWith("..") || isAbsolute(inside) ? join("elsewhere", basename(path)) : inside;
    await mkdir(dirname(join(into, place)), { recursive: true, mode: 0o700 });
    await cp(path, join(into, place), { recursive: true });
  }
}

async function refuseWithoutRoom(sources: SiteSources, into: string): Promise<void> {
  const { data } = sources;
  const names = (await readdir(data, { recursive: true })).filter(
    (name) => !isLeftOut(sources, String(name.split(sep)[0])),
  );
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(data, name))).size));
  const needed = sizes.reduce((sum, size) => sum + size, MARGIN_BYTES);
  const { bavail, bsize } = await statfs(dirname(into));
  if (bavail * bsize >= needed) return;
  const [has, needs] = [bavail * bsize, needed].map((bytes) => Math.ceil(bytes / 1e6));
  throw new FieldwattError(
    "BACKUP_NO_ROOM",
    `A backup first copies ${data}, which needs ${needs} MB; ${dirname(into)} has ${has} MB free.`,
  );
}
