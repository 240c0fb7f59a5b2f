import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { migrations, type MigrationStep } from "./migrations.ts";
import { transact } from "./transact.ts";

export interface Migrated {
  /** Steps that the file had seen before and has seen now. */
  readonly from: number;
  readonly to: number;
  /** Where the copy of the file as it was lies; absent for a new or current file. */
  readonly backup?: string;
}

export interface MigrateOptions {
  /** Of the file; the copy goes beside it, as `record.sqlite.v1.bak`. */
  readonly path: string;
  readonly steps?: readonly MigrationStep[];
}

/** What the name of a copy ends with. */
const COPY = /^\.v\d+\.bak(\.half)?$/;

/**
 * Brings a file's schema forward, after a copy of it where it holds something. A power cut at any moment leaves a file
 * that the next start finishes: a step is one transaction, or pieces of work with one each. Throws RECORD_NEWER, or
 * RECORD_FAILED when the copy cannot be made: then the file is as it was.
 */
export function migrate(db: DatabaseSync, { path, steps = migrations }: MigrateOptions): Migrated {
  const from = version(db);
  refuseNewer(from, steps.length);
  const to = steps.length;
  const backup = from > 0 && from < to ? backUp(db, `${path}.v${from}.bak`) : undefined;
  for (let index = from; index < to; index++) {
    const step = steps[index];
    if (step !== undefined) run(db, step, index);
  }
  return { from, to, ...(backup !== undefined && { backup }) };
}

export const version = (db: DatabaseSync): number =>
  Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);

export function refuseNewer(found: number, known = migrations.length): void {
  if (found <= known) return;
  const message = `The record is of version ${found}; this program knows versions up to ${known}. Install a newer Fieldwatt.`;
  throw new FieldwattError("RECORD_NEWER", message);
}

function run(db: DatabaseSync, step: MigrationStep, index: number): void {
  const { piece, sql } = typeof step === "string" ? { sql: step } : step;
  while (piece && transact(db, () => piece(db)));
  transact(db, () => {
    db.exec(sql);
    db.exec(`PRAGMA user_version = ${index + 1}`);
  });
}

/** A copy that a start before this one made is older than its half-done work, and stays. */
function backUp(db: DatabaseSync, path: string): string {
  if (existsSync(path)) return path;
  const half = `${path}.half`;
  try {
    rmSync(half, { force: true });
    db.prepare("VACUUM INTO ?").run(half);
    sync(half);
    renameSync(half, path);
    sync(dirname(path));
    return path;
  } catch (error) {
    const because = messageOf(error);
    const message = `The record must be copied before it is brought forward, and ${path} cannot be written: ${because}`;
    throw new FieldwattError("RECORD_FAILED", message, { cause: error });
  }
}

/** Deletes the copies that were made before the schema was brought forward. */
export function removeCopies(path: string): void {
  const copies = readdirSync(dirname(path)).filter((name) => COPY.test(name.slice(basename(path).length)));
  for (const name of copies.filter((one) => one.startsWith(basename(path))))
    rmSync(join(dirname(path), name));
}

/** A renamed file is there after a power cut when the file and then its folder have reached the disk. */
function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
