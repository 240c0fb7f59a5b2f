import { readdir, readFile } from "node:fs/promises";
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

/**
 * Reads the built-in device files and those of further folders (`<maker>/<model>.yaml`).
 * Throws DEVICE_FILE_INVALID, which names file, line and column of every error.
 */
export async function loadCatalogue(folders: readonly string[] = []): Promise<Catalogue> {
  const definitions: DeviceDefinition[] = [];
  for (const folder of [BUILT_IN, ...folders]) {
    for (const file of await yamlFiles(folder))
      definitions.push(parseDeviceFile(file, await readFile(file, "utf8")));
  }
  definitions.sort((a, b) => a.id.localeCompare(b.id));
  const names = nameTable(definitions);
  return { all: () => definitions, find: (id) => find(definitions, names, id.trim().toLowerCase()) };
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

function nameTable(definitions: readonly DeviceDefinition[]): ReadonlyMap<string, DeviceDefinition> {
  const names = new Map<string, DeviceDefinition>();
  for (const definition of definitions) {
    for (const name of [definition.id, ...definition.aliases]) {
      const other = names.get(name);
      if (other) {
        throw new FieldwattError(
          "DEVICE_FILE_INVALID",
          `"${name}" is in two files: ${other.file} and ${definition.file}`,
        );
      }
      names.set(name, definition);
    }
  }
  return names;
}

function find(
  definitions: readonly DeviceDefinition[],
  names: ReadonlyMap<string, DeviceDefinition>,
  id: string,
): DeviceDefinition {
  const named = names.get(id);
  if (named) return named;
  const [only, ...others] =
    id === "" ? [] : definitions.filter((definition) => definition.id.endsWith(`-${id}`));
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
