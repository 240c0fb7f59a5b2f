import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PGlite } from "@electric-sql/pglite";

const modules = new URL("../../node_modules/", import.meta.url).pathname;

/** A temporary folder that is gone when the test file ends. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(name: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `fieldwatt-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * A PGlite that was made but never used, in `dir/pglite`, where the hub's storage looks for it. Making one takes PGlite
 * some seconds of computing, so that it is done once for a version and then copied.
 */
export async function putPglite(dir: string): Promise<void> {
  const template = await pgliteTemplate();
  mkdirSync(dir, { recursive: true });
  cpSync(template, join(dir, "pglite"), { recursive: true });
}

async function pgliteTemplate(): Promise<string> {
  const text = readFileSync(join(modules, "@electric-sql/pglite/package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  const template = join(modules, ".cache/fieldwatt", `pglite-${version}`);
  if (existsSync(template)) return template;
  mkdirSync(dirname(template), { recursive: true });
  const fresh = mkdtempSync(`${template}-`);
  const engine = await PGlite.create({ dataDir: fresh });
  await engine.close();
  try {
    renameSync(fresh, template);
  } catch {
    // Another test file was first: its template is as good.
    rmSync(fresh, { recursive: true });
  }
  return template;
}
