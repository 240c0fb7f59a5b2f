import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/**
 * One process, one door: only what stands in this table can open a connection, start a program, or ask a name server,
 * and each row says to whom. A row more is a decision, not an accident. What a gateway runs is in these folders.
 */
const root = join(import.meta.dirname, "..");
const files = globSync("{gateway,drivers,platform,protocol,domain}/**/*.ts", { cwd: root })
  .filter((file) => !/\.test\.ts$|\/fixtures\/|\.d\.ts$/.test(file))
  .toSorted();

/** An import of what only the run tells. */
const UNKNOWN = "import(?)";

const DOORS: Readonly<Record<string, readonly string[]>> = {
  // To the outside: the hub of the site file, and its witnesses.
  "gateway/forward/link.ts": ["mqtt"],
  "gateway/forward/witnesses.ts": ["fetch"],
  // Inside of the village only, unless the site file names the host outside in so many words (sinks/inside.ts).
  "gateway/sinks/influxdb.ts": ["influx"],
  "gateway/sinks/home-assistant/publisher.ts": ["mqtt"],
  "gateway/sinks/inside.ts": ["node:dns", "node:net"],
  // A simulated village's faults, inside of it (flows/settings.ts).
  "gateway/portal/flows-writes.ts": ["fetch"],
  // To the devices and the broker that the site file names: readings come in there, and none leave.
  "gateway/acquire/external-broker.ts": ["mqtt"],
  "drivers/modbus/tcp.ts": ["node:net"],
  "drivers/modbus/udp.ts": ["node:dgram"],
  // Listeners: others come in.
  "platform/broker/listener.ts": ["node:net"],
  "platform/broker/thread.ts": ["aedes"],
  "platform/web/server.ts": ["@hono/node-server"],
  // The table of the record's commands, which its opener names; a test has one of its own.
  "gateway/record/writer.ts": [UNKNOWN],
  // Programs: what the machine says of its clock; the operator's own flows, which the firewall keeps inside, too.
  "gateway/time/machine.ts": ["node:child_process"],
  "gateway/flows/node-red.ts": ["node:child_process"],
};

/** Node's own ways out, and the packages that have one. */
const WAYS =
  /^node:(net|tls|http|https|http2|dgram|dns|dns\/promises|child_process|cluster|inspector)$|^(mqtt|influx|modbus-serial|aedes|ws|undici|axios|got|pg|@hono\/node-server)(\/|$)/;
const GLOBALS = new Set(["fetch", "WebSocket", "EventSource", "XMLHttpRequest"]);

/** What a file can reach out with: imports of values, also late ones, and the globals that it calls. */
function waysOut(text: string): string[] {
  const source = ts.createSourceFile("one.ts", text, ts.ScriptTarget.Latest, true);
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    const name = importedBy(node) ?? calledGlobal(node);
    if (name !== undefined && (GLOBALS.has(name) || name === UNKNOWN || WAYS.test(name))) found.add(name);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found].toSorted();
}

/** Which text is worth the parser's time. */
const SUSPECT =
  /fetch|WebSocket|EventSource|XMLHttpRequest|require|import\(|"(node:(net|tls|http|dgram|dns|child|cluster|inspector)|mqtt|influx|modbus-serial|aedes|ws|undici|axios|got|pg|@hono\/node)/;

/** The module of an import that stays when types are stripped. */
function importedBy(node: ts.Node): string | undefined {
  const late = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const required = ts.isCallExpression(node) && node.expression.getText() === "require";
  if ((late || required) && node.arguments[0] && ts.isStringLiteralLike(node.arguments[0]))
    return node.arguments[0].text;
  if (late) return UNKNOWN;
  if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return undefined;
  if (!node.moduleSpecifier || !ts.isStringLiteral(node.moduleSpecifier)) return undefined;
  const clause = ts.isImportDeclaration(node) ? node.importClause : undefined;
  if (clause?.isTypeOnly || (ts.isExportDeclaration(node) && node.isTypeOnly)) return undefined;
  const named = clause?.namedBindings;
  const onlyTypes =
    clause &&
    !clause.name &&
    named &&
    ts.isNamedImports(named) &&
    named.elements.every((one) => one.isTypeOnly);
  return onlyTypes ? undefined : node.moduleSpecifier.text;
}

/** `fetch(…)`, `new WebSocket(…)`, `globalThis.fetch(…)`; a method of that name on something else is none. */
function calledGlobal(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return undefined;
  return node.expression.getText().replace(/^globalThis\./, "");
}

describe("one process, one door", () => {
  it.each([
    ['import { connect } from "node:net";', ["node:net"]],
    ['import tls, { type Server } from "node:tls";', ["node:tls"]],
    ['export * from "node:https";', ["node:https"]],
    ['const { request } = await import("undici");', ["undici"]],
    ['const net = require("node:net");', ["node:net"]],
    ["await import(name);", [UNKNOWN]],
    ["await fetch(url); new WebSocket(url); globalThis.fetch(url);", ["WebSocket", "fetch"]],
    ['import type { Socket } from "node:net"; import { type Server } from "node:http";', []],
    ['app.fetch(request); import("./link.ts"); // fetch("x")', []],
  ])("is what this finds in: %s", (text, ways) => {
    expect(waysOut(text)).toEqual(ways);
  });

  it("sees the house at all", () => {
    expect(files.length).toBeGreaterThan(200);
  });

  it("opens connections where the table says so, and nowhere else", () => {
    const found = files
      .map((file) => [file, readFileSync(join(root, file), "utf8")] as const)
      .filter(([, text]) => SUSPECT.test(text))
      .map(([file, text]) => [file, waysOut(text)] as const)
      .filter(([, ways]) => ways.length > 0);
    const rows = Object.entries(DOORS).filter(([file]) => files.includes(file));
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(rows));
  });
});
