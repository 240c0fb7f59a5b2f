// Whether dist/ is what the sources say: a file that changed, by its size or its time, and dist/ is not used.
// Plain JavaScript, no packages; cli/build.mjs writes the list, cli/fieldwatt.mjs reads it at each start.
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
export const DIST = "dist";
export const MANIFEST = `${DIST}/made-of.json`;
/** npm writes it anew whenever it changes a package. */
export const INSTALLED = "node_modules/.package-lock.json";

function stampOf(root, path) {
  const found = statSync(`${root}/${path}`, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.size} ${found.mtimeMs}`;
}

/** The list of files that dist/ was made of, with how they look now. */
export const builtFrom = (root, paths) =>
  Object.fromEntries(paths.map((path) => [path, stampOf(root, path)]));

/** The program's entry in dist/; undefined where there is none, or one of other sources. */
export function builtEntry(root = ROOT) {
  try {
    const files = JSON.parse(readFileSync(join(root, MANIFEST), "utf8"));
    for (const path in files) if (stampOf(root, path) !== files[path]) return undefined;
    return join(root, DIST, "main.js");
  } catch {
    return undefined;
  }
}
