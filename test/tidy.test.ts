import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/**
 * The style of the house as a ratchet. A limit may be lowered when the code allows it, never raised: where a file
 * or a function outgrows it, it is taken apart.
 */
const LIMITS = { fileLines: 300, functionLines: 50, testFileLines: 400 };

const root = join(import.meta.dirname, "..");
const PRODUCT = [
  "domain",
  "protocol",
  "platform",
  "drivers",
  "gateway",
  "federation",
  "simulators",
  "cli",
  "bench",
];
const files = globSync(`{${PRODUCT.join(",")},test}/**/*.ts`, { cwd: root }).toSorted();
const product = files.filter((file) => !file.endsWith(".test.ts") && !file.startsWith("test/"));
const text = (file: string): string => readFileSync(join(root, file), "utf8");
const parse = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest, true);

/** `file:line` of every match in code; comments do not count. */
function findings(list: readonly string[], pattern: RegExp): string[] {
  return list.flatMap((file) =>
    text(file)
      .split("\n")
      .flatMap((line, i) =>
        pattern.test(line.replace(/\/\/.*$|^\s*\/?\*.*$/, "")) ? [`${file}:${i + 1}: ${line.trim()}`] : [],
      ),
  );
}

function longFunctions(file: string): string[] {
  const source = parse(file);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const line = (at: number) => source.getLineAndCharacterOfPosition(at).line;
      const lines = line(node.end) - line(node.getStart(source)) + 1;
      if (lines > LIMITS.functionLines)
        found.push(`${file}:${line(node.getStart(source)) + 1}: ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe("the house is tidy", () => {
  it("sees the house at all", () => {
    expect(product.length).toBeGreaterThan(50);
  });

  it("has no file that is too long to hold in the head", () => {
    const tooLong = files.flatMap((file) => {
      const limit = product.includes(file) ? LIMITS.fileLines : LIMITS.testFileLines;
      const lines = text(file).trimEnd().split("\n").length;
      return lines > limit ? [`${file}: ${lines} lines`] : [];
    });
    expect(tooLong).toEqual([]);
  });

  it("has no function that does too much", () => {
    expect(product.flatMap(longFunctions)).toEqual([]);
  });

  it("says no `any`, and turns no check off", () => {
    expect(
      findings(files, /\bas any\b|: any\b|<any>|@ts-ignore|eslint-disable|prettier-ignore/).filter(
        (f) => !f.startsWith("test/tidy"),
      ),
    ).toEqual([]);
  });

  it("reads the wall clock, the environment and true randomness in the outermost files only", () => {
    const outermost = /^(cli|bench)\/|\/main\.ts$/;
    const pattern =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.env\b|\brandomBytes\(|\brandomUUID\(|\bgetRandomValues\(/;
    expect(
      findings(
        product.filter((file) => !outermost.test(file)),
        pattern,
      ),
    ).toEqual([]);
  });

  it("names nothing by what it is not", () => {
    expect(product.filter((file) => /(manager|helper|utils?|base|misc|common)\.ts$/i.test(file))).toEqual([]);
    expect(
      findings(product, /\b(class|interface|type|function|const) \w*(Manager|Helper|Utils|Util)\b/),
    ).toEqual([]);
  });

  it("skips no test silently and leaves none running alone", () => {
    const tests = files.filter((file) => file.endsWith(".test.ts") && !file.startsWith("test/tidy"));
    expect(findings(tests, /\b(it|test|describe)\.(only|todo)\b|vi\.mock\(/)).toEqual([]);
  });
});
