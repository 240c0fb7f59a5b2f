import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";

/**
 * A device file as the fakes read it: plain YAML, without the drivers' schema and without their code. What is not
 * understood here is left alone, so that a file for a newer reader still makes a fake of what is known.
 */
export interface Sheet {
  readonly id: string;
  readonly names: readonly string[];
  readonly maker: string;
  readonly model: string;
  readonly file: string;
  /** The whole file. */
  readonly data: Data;
}

export type Data = Readonly<Record<string, unknown>>;

export const data = (value: unknown): Data =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Data) : {};
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown, otherwise = ""): string =>
  typeof value === "string" ? value : otherwise;
export const number = (value: unknown, otherwise = 0): number =>
  typeof value === "number" ? value : otherwise;

const FILES_MAX = 2_000;
const DEVICES = fileURLToPath(new URL("../../drivers/devices/", import.meta.url));

/** Reads one device file. @throws FieldwattError DEVICE_FILE_INVALID */
export function readSheet(file: string): Sheet {
  const invalid = (why: string, cause?: unknown): FieldwattError =>
    new FieldwattError("DEVICE_FILE_INVALID", `${file}: ${why}`, { cause });
  let found: Data;
  try {
    found = data(parse(readFileSync(file, "utf8"), { maxAliasCount: 100 }));
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
  const id = text(found.id);
  if (id === "") throw invalid("it has no id");
  const names = [id, ...list(found.aliases).map((alias) => text(alias))];
  return { id, names, maker: text(found.maker), model: text(found.model), file, data: found };
}

/** Every device file below the folders; those that ship with Fieldwatt come first. */
export function readSheets(folders: readonly string[] = []): readonly Sheet[] {
  return [DEVICES, ...folders].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .slice(0, FILES_MAX)
      .map((name) => readSheet(join(folder, name))),
  );
}

/** The sheet of an id, an alias, the end of an id, or a path to a file. @throws FieldwattError DEVICE_UNKNOWN */
export function findSheet(name: string, folders: readonly string[] = []): Sheet {
  if (/\.ya?ml$/.test(name)) return readSheet(name);
  const sheets = readSheets(folders);
  const named = sheets.find(({ names }) => names.includes(name));
  const ending = sheets.filter(({ id }) => id.endsWith(`-${name}`));
  const found = named ?? (ending.length === 1 ? ending[0] : undefined);
  if (found) return found;
  throw new FieldwattError(
    "DEVICE_UNKNOWN",
    `there is no device "${name}"; "fieldwatt device list" shows all, and a path to a file works too`,
  );
}

/** The values that the file's own tests give, by target; the first test that names a target counts. */
export function testValues(sheet: Sheet): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const test of list(sheet.data.tests)) {
    for (const [target, value] of Object.entries(data(data(test).gives)))
      if (typeof value === "number" && !values.has(target)) values.set(target, value);
  }
  return values;
}
