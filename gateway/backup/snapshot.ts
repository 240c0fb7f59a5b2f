import { copyFile, cp, mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { backup as copyDatabase, DatabaseSync } from "node:sqlite";
import { FieldwattError } from "../../domain/model/index.ts";
import type { SiteSources } from "./sources.ts";

/**
 * A copy of everything that a gateway is made of, taken while it runs: databases by SQLite's own online copy, then the
 * journal, which holds all that the copied record has not packed yet (in that order, so that nothing falls between),
 * then keys, policy and site file.
 */

/** Of the data folder: what another run makes again, or what only belongs to a running gateway. */
const LEFT_OUT = /(-wal|-shm|\.new|\.bak|\.lock|\.sock)$|^\.|^backup/;
const MARGIN_BYTES = 16 * 1024 * 1024;

/** The names of the two halves of a snapshot. */
export const DATA = "data";
export const SITE = "site";

export async function takeSnapshot(sources: SiteSources, into: string): Promise<void> {
  await refuseWithoutRoom(sources.data, into);
  await rm(into, { recursive: true, force: true });
  await mkdir(join(into, DATA), { recursive: true, mode: 0o700 });
  const names = (await readdir(sources.data)).filter((name) => !LEFT_OUT.test(name));
  const [databases, others] = [
    names.filter((name) => name.endsWith(".sqlite")),
    names.filter((name) => !name.endsWith(".sqlite")),
  ];
  for (const name of databases) await snapshotOf(join(sources.data, name), join(into, DATA, name));
  for (const name of others)
    await cp(join(sources.data, name), join(into, DATA, name), { recursive: true, preserveTimestamps: true });
  await copySite(sources, join(into, SITE));
}

async function snapshotOf(from: string, to: string): Promise<void> {
  using source = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
  await copyDatabase(source, to);
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

async function refuseWithoutRoom(data: string, into: string): Promise<void> {
  const names = (await readdir(data, { recursive: true })).filter((name) => !LEFT_OUT.test(name));
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
