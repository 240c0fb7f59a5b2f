// `npm run build`, and the last step of `npm ci`: the program in a few files of plain JavaScript, in dist/. A gateway
// that starts then finds, reads and links 70 files instead of 550 (docs/decisions/0014-how-a-gateway-starts.md). dist/ holds code
// alone: pages and device files are read where they lie, and packages that bring binaries or are rarely needed stay
// packages. With --if-possible a machine without the bundler goes on: its gateway starts from the sources.
import { isBuiltin } from "node:module";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { builtFrom, DIST, INSTALLED, MANIFEST, ROOT } from "./built.mjs";

/**
 * What a process or a thread begins with is a file of its own. Threads share no code with others: of a piece that
 * several need, each would read the parts that only the others need, and every file costs a third of a millisecond.
 */
const PROGRAMS = [
  { main: "cli/main.ts" },
  { writer: "gateway/record/writer.ts", commands: "gateway/record/commands.ts" },
  { thread: "platform/broker/thread.ts" },
];
/**
 * What a gateway loads before its threads are told to begin, and then until it takes readings: one file each. Not
 * `cli/main.ts`, which waits for its command: whatever shared a file with it would wait, too.
 */
const STAGES = { begin: ["cli/command-line.ts", "cli/gateway.ts"], reading: ["cli/gateway-run.ts"] };
/** Their `import.meta.url` leads to the entries; everybody else's to files beside the source. */
const STARTS_THREADS = ["gateway/record/thread.ts", "platform/broker/worker.ts"];
const STAY_PACKAGES =
  /^(koffi|serialport|modbus-serial|mqtt|pg|@electric-sql\/pglite|influx|prom-client|@serialport\/.*)(\/|$)/;

/** A file of the program itself, by its path from the root. */
const SOURCE = /^(?!node_modules\/)[a-z]+\/.*\.ts$/;

const dist = join(ROOT, DIST);
const fromRoot = (path) => relative(ROOT, path).split(sep).join("/");

/** Files beside a source are found from dist/ as from the source itself. */
const placesOfSources = {
  name: "places-of-sources",
  transform(code, id) {
    const path = fromRoot(id);
    if (!SOURCE.test(path) || STARTS_THREADS.includes(path)) return null;
    return code.replaceAll("import.meta.url", `new URL("../${path}", import.meta.url).href`);
  },
};

/** The words of zod's messages in all languages but the one it speaks by itself: an eighth of what a gateway loads. */
const onlyEnglish = {
  name: "only-english",
  transform(_code, id) {
    return /\/zod\/v4\/locales\/index\.js$/.test(id) ? 'export { default as en } from "./en.js";\n' : null;
  },
};

/**
 * One letter outside of Latin-1 makes V8 hold a whole file with two bytes for each letter. Code has such letters in texts and
 * patterns only, where an escape means the same.
 */
const inOneByte = (code) =>
  code.replace(/[^\0-\xff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** `import { a as b } from "node:fs"`, as the bundler writes it. */
const BUILTIN_IMPORT = /import *(?:([\w$]+)|\* *as ([\w$]+)|\{([^}]*)\}) *from *"([\w:/]+)";/g;
/** What CommonJS packages inside of dist/ call, as the bundler writes it. */
const REQUIRE = "__require=(()=>createRequire(import.meta.url))()";

/**
 * Node's own modules are taken as they are. An import would read each of their properties first, and some of those load
 * what nobody asked for: all of fs/promises with node:fs, WebCrypto with node:crypto, an HTTP client of its own with
 * node:http; 10, 12 and 30 ms, in every thread.
 */
function withoutFacades(code) {
  const taken = code.replace(BUILTIN_IMPORT, (whole, alone, all, names, id) => {
    if (!id.startsWith("node:") && !isBuiltin(id)) return whole;
    const target = alone ?? all ?? `{${names.replaceAll(" as ", ":")}}`;
    return `const ${target}=process.getBuiltinModule("${id}");`;
  });
  return taken.replace(
    REQUIRE,
    "__require=id=>process.getBuiltinModule(id)??createRequire(import.meta.url)(id)",
  );
}

/** The stage of each module that a gateway loads to take readings; others stand where the bundler puts them. */
function stagesOf(context) {
  const stages = new Map();
  const visit = (id, stage) => {
    const found = context.getModuleInfo(id);
    if (found === null || stages.has(id)) return;
    stages.set(id, stage);
    for (const imported of found.importedIds) visit(imported, stage);
  };
  for (const [stage, paths] of Object.entries(STAGES))
    for (const path of paths) visit(join(ROOT, path), stage);
  return stages;
}

async function bundled(rolldown, program) {
  const entries = Object.entries(program).map(([name, path]) => [name, join(ROOT, path)]);
  const bundle = await rolldown({
    cwd: ROOT,
    platform: "node",
    input: Object.fromEntries(entries),
    external: STAY_PACKAGES,
    plugins: [placesOfSources, onlyEnglish],
  });
  let stages;
  const name = (id, context) => (stages ??= stagesOf(context)).get(id) ?? null;
  const { output } = await bundle.write({
    dir: dist,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    // Names stay, for what a log says of an error; comments and blanks would only fill memory.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    comments: false,
    ...("main" in program && { codeSplitting: { groups: [{ name, debugName: "stages" }] } }),
  });
  return output;
}

async function build() {
  const begun = Date.now();
  const { rolldown } = await import("rolldown");
  // Whoever starts meanwhile takes the sources.
  rmSync(dist, { recursive: true, force: true });
  const output = (await Promise.all(PROGRAMS.map((program) => bundled(rolldown, program)))).flat();
  for (const { fileName, code } of output)
    if (code !== undefined) writeFileSync(join(dist, fileName), withoutFacades(inOneByte(code)));
  const modules = new Set(output.flatMap((file) => file.moduleIds ?? []).map(fromRoot));
  // Packages have one stamp together; the bundler's own pieces have none.
  const sources = [...modules].filter((path) => SOURCE.test(path)).sort();
  const changed = sources.find((path) => statSync(join(ROOT, path)).mtimeMs >= begun);
  if (changed !== undefined) throw new Error(`${changed} changed meanwhile`);
  writeFileSync(join(dist, "package.json"), '{ "type": "module" }\n');
  writeFileSync(
    join(ROOT, MANIFEST),
    JSON.stringify(builtFrom(ROOT, [...sources, INSTALLED, "package.json"])),
  );
  return output.length;
}

const WORDS_LINES = 8;
const ifPossible = process.argv.includes("--if-possible");
try {
  console.log(`dist/: ${await build()} files, started by cli/fieldwatt.mjs as long as no source changes`);
} catch (error) {
  rmSync(dist, { recursive: true, force: true });
  // The bundler's words name file and line below their first one.
  const words = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
  const why = words.split("\n").slice(0, WORDS_LINES).join("\n");
  console.error(`dist/ was not built, so the program starts from its sources, more slowly: ${why}`);
  if (!ifPossible) process.exitCode = 1;
}
