import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { forgetful, type Remembered } from "../platform/remembered.ts";
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

/** The devices that a site names, by any of their names: a gateway needs no others. */
export type Definitions = Pick<Catalogue, "find">;

/** A file of the catalogue, and the names that it is found by. */
interface Entry {
  readonly file: string;
  readonly id: string;
  readonly names: readonly string[];
}

/**
 * Every device file: the built-in ones and those of further folders (`<maker>/<model>.yaml`). The built-in ones, which
 * the project's own tests have checked, are parsed when they are asked for; a site's own are checked at once. Throws
 * DEVICE_FILE_INVALID, which names file, line and column of every error.
 */
export async function loadCatalogue(folders: readonly string[] = []): Promise<Catalogue> {
  const { parseDeviceFile } = await import("./device-file.ts");
  const { entries, names, own, texts } = await indexOf(folders);
  const parsed = new Map<Entry, DeviceDefinition>();
  const definition = (entry: Entry): DeviceDefinition => {
    const found = parsed.get(entry) ?? parseDeviceFile(entry.file, texts.get(entry) ?? "");
    parsed.set(entry, found);
    return found;
  };
  own.forEach(definition);
  return { all: () => entries.map(definition), find: (id) => definition(find(entries, names, tidy(id))) };
}

export interface DefinitionsOptions {
  /** With device files of the site's own. */
  readonly folders: readonly string[];
  readonly remembered?: Remembered | undefined;
}

/**
 * The definitions that a site's devices name, and no more: what was made of a file before is not made again. A name
 * that is unknown is told by `find`, as `loadCatalogue` does it. Throws DEVICE_FILE_INVALID as it does, also for further
 * files of the site's own.
 */
export async function loadDefinitions(
  wanted: readonly string[],
  { folders, remembered = forgetful }: DefinitionsOptions,
): Promise<Definitions> {
  const index = await indexOf(folders);
  const { entries, names } = index;
  const definitions = await definitionsOf(wanted, index, remembered);
  return {
    find(name) {
      const definition = definitions.get(find(entries, names, tidy(name)));
      if (definition) return definition;
      throw new FieldwattError("DEVICE_UNKNOWN", `no device of the site is a "${name}"`);
    },
  };
}

/** On its own, so that nobody holds the texts afterwards. */
async function definitionsOf(
  wanted: readonly string[],
  { entries, names, own, texts }: Index,
  remembered: Remembered,
): Promise<ReadonlyMap<Entry, DeviceDefinition>> {
  const asked = wanted.flatMap((name) => matching(entries, names, tidy(name)) ?? []);
  const definitions = new Map<Entry, DeviceDefinition>();
  for (const entry of new Set([...own, ...asked])) {
    const text = texts.get(entry) ?? "";
    const make = async () => (await import("./device-file.ts")).parseDeviceFile(entry.file, text);
    definitions.set(entry, await remembered.of(`device file ${entry.file}`, text, make));
  }
  return definitions;
}

const tidy = (name: string): string => name.trim().toLowerCase();

interface Index {
  /** By id. */
  readonly entries: readonly Entry[];
  readonly names: Names;
  /** Those of further folders. */
  readonly own: readonly Entry[];
  readonly texts: ReadonlyMap<Entry, string>;
}

async function indexOf(folders: readonly string[]): Promise<Index> {
  const texts = new Map<Entry, string>();
  const own: Entry[] = [];
  for (const folder of [BUILT_IN, ...folders])
    // One after another without waiting: a start has nothing else to do, and a thread's turn for each costs more.
    for (const file of await yamlFiles(folder)) {
      const text = readFileSync(file, "utf8");
      const names = namesIn(text) ?? (await parsedNames(file, text));
      const entry = { file, names, id: names[0] ?? "" };
      texts.set(entry, text);
      if (folder !== BUILT_IN) own.push(entry);
    }
  const entries = [...texts.keys()].sort((a, b) => a.id.localeCompare(b.id));
  return { entries, own, texts, names: nameTable(entries) };
}

async function parsedNames(file: string, text: string): Promise<string[]> {
  const { id, aliases } = (await import("./device-file.ts")).parseDeviceFile(file, text);
  return [id, ...aliases];
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

type Names = ReadonlyMap<string, Entry>;

function nameTable(entries: readonly Entry[]): Names {
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

/** The file of this name; undefined where there is none, or more than one. */
function matching(entries: readonly Entry[], names: Names, id: string): Entry | undefined {
  const [only, ...others] = ending(entries, id);
  return names.get(id) ?? (others.length === 0 ? only : undefined);
}

const ending = (entries: readonly Entry[], id: string): readonly Entry[] =>
  id === "" ? [] : entries.filter((entry) => entry.id.endsWith(`-${id}`));

function find(entries: readonly Entry[], names: Names, id: string): Entry {
  const found = matching(entries, names, id);
  if (found) return found;
  const ambiguous = ending(entries, id).map((entry) => entry.id);
  const near = ambiguous.length > 0 ? ambiguous : nearest([...names.keys()], id);
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
