// The last step of `npm run build`: what the compiled program reads beside its code, and a package.json that says so.
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");

const data = [
  ...globSync("{platform,gateway,federation}/**/assets/**/*", { cwd: root, withFileTypes: true }),
  ...globSync("drivers/**/*.{yaml,json}", { cwd: root, withFileTypes: true }),
].filter((entry) => entry.isFile());

for (const entry of data) {
  const source = join(entry.parentPath, entry.name);
  const target = join(dist, source.slice(root.length + 1));
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source, target);
}
cpSync(join(root, "cli", "fieldwatt.mjs"), join(dist, "cli", "fieldwatt.mjs"));

const { name, version, description, license, type, dependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const bin = { fieldwatt: "cli/fieldwatt.mjs" };
const release = { name, version, description, license, type, bin, dependencies };
writeFileSync(join(dist, "package.json"), `${JSON.stringify(release, null, 2)}\n`);
console.log(
  `dist/: plain JavaScript and ${data.length} data files; run it with: node dist/cli/fieldwatt.mjs --help`,
);
