import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** Plain JavaScript, which has no types. */
interface Built {
  builtFrom(root: string, paths: readonly string[]): Readonly<Record<string, string>>;
  builtProgram(root?: string): { entry: string; name: string } | undefined;
}
const { builtFrom, builtProgram } = (await import(new URL("./built.mjs", import.meta.url).href)) as Built;

let root: string;
const source = "cli/main.ts";
const file = (path: string): string => join(root, path);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fieldwatt-built-"));
  for (const folder of ["cli", "dist"]) mkdirSync(file(folder));
  writeFileSync(file(source), "export {};\n");
  writeFileSync(file("dist/made-of.json"), JSON.stringify(builtFrom(root, [source])));
});
afterEach(() => rmSync(root, { recursive: true }));

describe("the built program", () => {
  it("is started while no source changed", () => {
    expect(builtProgram(root)?.entry).toBe(file("dist/main.js"));
  });

  it.each([
    ["a source has another length", () => appendFileSync(file(source), "// more\n")],
    ["a source has another time", () => utimesSync(file(source), 1, 1)],
    ["a source is gone", () => rmSync(file(source))],
    ["there is none", () => rmSync(file("dist"), { recursive: true })],
    ["its list was half written", () => writeFileSync(file("dist/made-of.json"), "{")],
  ])("is not started when %s", (_, change) => {
    change();
    expect(builtProgram(root)).toBeUndefined();
  });

  it.skipIf(!process.env.CI)("is what the tests of the command try where they run on a fresh copy", () => {
    expect(builtProgram()).toBeDefined();
  });
});
