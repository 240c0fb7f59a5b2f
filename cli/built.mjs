// Whether dist/ is what the sources say: a file that changed, by its size or its time, and dist/ is not used.
// Plain JavaScript, no packages; cli/build.mjs writes the list, cli/fieldwatt.mjs reads it at each start.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// An import would load all of fs/promises and WebCrypto at each start (build.mjs); Node 20 knows no other way.
const taken = async (id) => process.getBuiltinModule?.(id) ?? (await import(id));
const { readFileSync, statSync } = await taken("node:fs");
const { createHash } = await taken("node:crypto");

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

/** The program in dist/: its entry, and a name that no other build has; undefined where there is none, or one of other sources. */
export function builtProgram(root = ROOT) {
  try {
    const list = readFileSync(join(root, MANIFEST), "utf8");
    const files = JSON.parse(list);
    for (const path in files) if (stampOf(root, path) !== files[path]) return undefined;
    const name = createHash("sha256").update(list).digest("hex");
    return { entry: join(root, DIST, "main.js"), name };
  } catch {
    return undefined;
  }
}
