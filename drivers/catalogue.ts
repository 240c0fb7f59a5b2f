import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { parseDeviceFile } from "./device-file.ts";
import type { DeviceDefinition } from "./definition.ts";

const BUILT_IN = fileURLToPath(new URL("./devices/", import.meta.url));
const MAX_FILES = 2000;

/** Every device file that the gateway knows. */
export interface Catalogue {
  all(): readonly DeviceDefinition[];
  /**
   * The definition of an id, of an alias, or of the one id that ends with it.
   * Throws DEVICE_UNKNOWN, with the nearest ids, where there is none or more than one.
   */
  find(id: string): DeviceDefinition;
}

/** A file of the catalogue: its names are known at once, the rest is read when it is asked for. */
interface Entry {
  readonly file: string;
  readonly id: string;
  readonly names: readonly string[];
  definition(): DeviceDefinition;
}

/**
 * Reads the built-in device files and those of further folders (`<maker>/<model>.yaml`). A gateway needs a few of the
 * built-in ones, which the project's own tests have checked: each is parsed when it is asked for. A site's own are
 * checked at once. Throws DEVICE_FILE_INVALID, which names file, line and column of every error.
 */
export async function loadCatalogue(folders: readonly string[] = []): Promise<Catalogue> {
  const entries = (await entriesOf(BUILT_IN)).concat(...(await Promise.all(folders.map(entriesOf))));
  const own = entries.filter(({ file }) => !file.startsWith(BUILT_IN));
  for (const entry of own) entry.definition();
  entries.sort((a, b) => a.id.localeCompare(b.id));
  const names = nameTable(entries);
  return {
    all: () => entries.map((entry) => entry.definition()),
    find: (id) => find(entries, names, id.trim().toLowerCase()).definition(),
  };
}

async function entriesOf(folder: string): Promise<Entry[]> {
  // One after another without waiting: a start has nothing else to do, and a thread's turn for each costs more.
  return (await yamlFiles(folder)).map((file) => entryOf(file, readFileSync(file, "utf8")));
}

function entryOf(file: string, text: string): Entry {
  let parsed: DeviceDefinition | undefined;
  const definition = (): DeviceDefinition => (parsed ??= parseDeviceFile(file, text));
  const names = namesIn(text) ?? [definition().id, ...definition().aliases];
  return { file, id: names[0] ?? "", names, definition };
}

/** The id and the aliases, where the file spells them plainly; undefined where it takes a YAML parser to tell. */
function namesIn(text: string): string[] | undefined {
  const id = /^id: ([a-z0-9-]+)$/m.exec(text)?.[1];
  const list = /^aliases:\s*\[([a-z0-9,\s-]*)\]$/m.exec(text)?.[1];
  if (id === undefined || (list === undefined && /^aliases:/m.test(text))) return undefined;
  return [id, ...(list ?? "").split(",").map((name) => name.trim())].filter((name) => name !== "");
}

async function yamlFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new FieldwattError("DEVICE_FILE_INVALID", `${folder}: ${messageOf(cause)}`, { cause });
  });
  const files = entries.filter((name) => /\.ya?ml$/.test(name)).sort();
  if (files.length > MAX_FILES)
    throw new FieldwattError("DEVICE_FILE_INVALID", `${folder} has over ${MAX_FILES} files`);
  return files.map((name) => join(folder, name));
}

function nameTable(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  const names = new Map<string, Entry>();
  for (const entry of entries) {
    for (const name of entry.names) {
      const other = names.get(name);
      if (other) {
        throw new FieldwattError(
          "DEVICE_FILE_INVALID",
          `"${name}" is in two files: ${other.file} and ${entry.file}`,
        );
      }
      names.set(name, entry);
    }
  }
  return names;
}

function find(entries: readonly Entry[], names: ReadonlyMap<string, Entry>, id: string): Entry {
  const named = names.get(id);
  if (named) return named;
  const [only, ...others] = id === "" ? [] : entries.filter((entry) => entry.id.endsWith(`-${id}`));
  if (only && others.length === 0) return only;
  const near = only ? [only.id, ...others.map((other) => other.id)] : nearest([...names.keys()], id);
  const hint = near.length > 0 ? `did you mean ${near.join(", ")}?` : '"fieldwatt device list" shows all';
  throw new FieldwattError("DEVICE_UNKNOWN", `there is no device "${id}"; ${hint}`);
}

function nearest(names: readonly string[], id: string): string[] {
  const words = id.split("-").filter((word) => word.length > 2);
  return names
    .map((name) => ({
      name,
      distance: distance(name, id) - 3 * words.filter((word) => name.includes(word)).length,
    }))
    .filter((candidate) => candidate.distance <= Math.min(4, Math.ceil(id.length / 2) - 1))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((candidate) => candidate.name);
}

/** Levenshtein's: how many letters must change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
