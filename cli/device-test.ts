import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { parseDeviceFile } from "../drivers/device-file.ts";
import type { DeviceDefinition } from "../drivers/index.ts";
import { decodeTest, failuresOf } from "../drivers/own-tests.ts";
import { guard, type Terminal } from "./device-command.ts";
import { lint, type Finding } from "./device-lint.ts";

/** What is wrong at a place of the file. Lines and columns count from 1. */
export interface FileFinding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: "error" | "warning";
  readonly message: string;
}

/** What `fieldwatt device test` says of one file. */
export interface TestReport {
  readonly file: string;
  readonly device?: string;
  readonly ok: boolean;
  readonly tests: readonly { readonly origin: string; readonly ok: boolean }[];
  readonly findings: readonly FileFinding[];
}

const EXAMPLE = `
Example:
  fieldwatt device test my-meter.yaml`;

/** `fieldwatt device test FILE…`: the file's own tests, and what a careful reader would ask. */
export const deviceTestCommand = (terminal: Terminal): Command =>
  new Command("test")
    .description("run the tests of a device file and check it; exit code 1 where something is wrong")
    .argument("<files...>", "device files")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLE)
    .action((files: readonly string[], { json }: { json?: true }) =>
      guard(terminal, async () => {
        const reports = await Promise.all(files.map(testDeviceFile));
        terminal.stdout.write(
          `${json ? JSON.stringify(reports, undefined, 2) : reports.map(text).join("\n")}\n`,
        );
        if (reports.some(({ ok }) => !ok)) terminal.exitCode = 1;
      }),
    );

/** Tests one device file. @throws FieldwattError DEVICE_FILE_INVALID where it cannot be read from disk at all */
export async function testDeviceFile(file: string): Promise<TestReport> {
  const source = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new FieldwattError("DEVICE_FILE_INVALID", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  });
  let definition: DeviceDefinition;
  try {
    definition = parseDeviceFile(file, source);
  } catch (error) {
    if (!(error instanceof FieldwattError)) throw error;
    return {
      file,
      ok: false,
      tests: [],
      findings: error.message.split("\n").map((line) => errorAt(file, line)),
    };
  }
  const place = placesIn(file, source);
  const outcomes = definition.tests.map((test, index) => ({
    origin: test.origin,
    findings: failures(definition, index).map((message) =>
      place(["tests", index], { severity: "error", message }),
    ),
  }));
  const findings = [
    ...lint(definition).map((finding) => place(finding.path, finding)),
    ...outcomes.flatMap((outcome) => outcome.findings),
  ];
  return {
    file,
    device: definition.id,
    ok: findings.every(({ severity }) => severity === "warning"),
    tests: outcomes.map((outcome) => ({ origin: outcome.origin, ok: outcome.findings.length === 0 })),
    findings,
  };
}

function failures(definition: DeviceDefinition, index: number): string[] {
  const test = definition.tests[index];
  if (!test) return [];
  try {
    return failuresOf(test, decodeTest(definition, test)).map(
      (failure) => `test "${test.origin}": ${failure}`,
    );
  } catch (error) {
    if (!(error instanceof FieldwattError)) throw error;
    return [`test "${test.origin}": ${error.message}`];
  }
}

/** The parser says `file:line:column: message`. */
function errorAt(file: string, text: string): FileFinding {
  const found = /^:(\d+):(\d+): (.*)$/s.exec(text.startsWith(file) ? text.slice(file.length) : "");
  const [line = "1", column = "1", message = text] = found?.slice(1) ?? [];
  return { file, line: Number(line), column: Number(column), severity: "error", message };
}

type Place = (path: Finding["path"], what: Pick<Finding, "severity" | "message">) => FileFinding;

/** Finds the line and column of the deepest part of a path that stands in the file. */
function placesIn(file: string, source: string): Place {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  return (path, { severity, message }) => {
    let node: unknown = document.contents;
    let offset = 0;
    for (const step of path) {
      const pair = isMap(node)
        ? node.items.find(
            (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
          )
        : undefined;
      const child: unknown = pair ? pair.value : isSeq(node) ? node.items[Number(step)] : undefined;
      const start = pair ? rangeOf(pair.key) : rangeOf(child);
      if (start === undefined) break;
      [offset, node] = [start, child];
    }
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, severity, message };
  };
}

function rangeOf(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range))
    return undefined;
  return Number(node.range[0]);
}

function text({ file, ok, tests, findings }: TestReport): string {
  const lines = findings.map(
    ({ line, column, severity, message }) => `${file}:${line}:${column}: ${severity}: ${message}`,
  );
  const passed = tests.filter((test) => test.ok).length;
  return [...lines, `${file}: ${passed} of ${tests.length} tests pass; ${ok ? "no errors" : "errors"}`].join(
    "\n",
  );
}
