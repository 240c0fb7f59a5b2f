import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REASONS } from "../../domain/model/index.ts";
import { policyHash } from "../../protocol/policy.ts";
import { decideCase } from "../../protocol/policy-case.ts";
import { readFileSync } from "node:fs";
import { workedCases } from "./worked-cases.ts";

/** The answers are those of the document, which were worked out by hand before the code was asked. */
const cases = workedCases();
const fieldwatt = (args: readonly string[], input: string) =>
  spawnSync(process.execPath, [join(import.meta.dirname, "../../cli/main.ts"), ...args], {
    input,
    encoding: "utf8",
  });
const [first] = cases;
if (!first) throw new Error("docs/policy-cases.md has no case");

describe("the worked cases of docs/policy-cases.md", () => {
  it("are at least twenty, numbered", () => {
    expect(cases.length).toBeGreaterThanOrEqual(20);
    expect(cases.map(({ title }) => Number.parseInt(title))).toEqual(cases.map((_, i) => i + 1));
  });

  it.each(cases)("$title", ({ input, answer }) => {
    expect(JSON.stringify(decideCase(input))).toBe(answer);
  });

  it("are what the command prints, one line a case", { timeout: 60_000 }, () => {
    const lines = cases.map(({ input }) => JSON.stringify(JSON.parse(input))).join("\n");
    const { stdout, status } = fieldwatt(["policy", "decide", "--json", "--lines"], `${lines}\n`);
    expect(stdout.trim().split("\n")).toEqual(cases.map(({ answer }) => answer));
    expect(status).toBe(0);
  });

  it(
    "are one case where no lines are asked for, also when it is written over many",
    { timeout: 60_000 },
    () => {
      expect(fieldwatt(["policy", "decide", "--json"], first.input).stdout).toBe(`${first.answer}\n`);
    },
  );
});

describe("what is no case", () => {
  it.each(['{"now": ', "", "undefined", "\u0000", first.input + first.input])("%j is malformed", (text) => {
    expect(decideCase(text)).toEqual({ kind: "deny", because: "malformed" });
  });

  it("a field that is written twice is malformed, in whatever spelling", () => {
    const twice = first.input.replace(
      '"clockTrusted": true',
      '"clockTrusted": false, "clock\\u0054rusted": true',
    );
    expect(twice).not.toBe(first.input);
    expect(decideCase(twice)).toEqual({ kind: "deny", because: "malformed" });
  });

  it.each(["null", "[]", "7", '"x"', "{}", `{"now":1,"clockTrusted":true,"consents":[]}`])(
    "%s is no request",
    (text) => {
      expect(decideCase(text)).toEqual({ kind: "deny", because: "requestInvalid" });
    },
  );

  it("a deny of malformed JSON still ends with status 0 and one line", { timeout: 60_000 }, () => {
    const { stdout, stderr, status } = fieldwatt(["policy", "decide", "--json"], '{"now":\n\n');
    expect({ stdout, stderr, status }).toEqual({
      stdout: '{"kind":"deny","because":"malformed"}\n',
      stderr: "",
      status: 0,
    });
  });
});

type Json = Record<string, unknown>;
/** The first case with one place changed, by path. */
function changed(path: readonly string[], value: unknown): string {
  const written = JSON.parse(first?.input ?? "") as Json;
  const last = path.at(-1) ?? "";
  const holder = path.slice(0, -1).reduce<Json>((at, key) => at[key] as Json, written);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else holder[last] = value;
  return JSON.stringify(written);
}

describe("a case that is not in its form", () => {
  it.each<[string, string[], unknown, string]>([
    ["a time without a zone", ["now"], "2026-06-15T12:00:00", "requestInvalid"],
    ["a day that does not exist", ["now"], "2026-02-30T12:00:00Z", "requestInvalid"],
    ["a broken second", ["now"], 1781524800000.5, "requestInvalid"],
    ["a clock that is a word", ["clockTrusted"], "true", "requestInvalid"],
    ["no clock", ["clockTrusted"], undefined, "requestInvalid"],
    ["a value with a fraction", ["request", "members", "0", "value"], 1.5, "requestInvalid"],
    ["a value below zero", ["request", "members", "0", "value"], -1, "requestInvalid"],
    ["nobody", ["request", "members"], [], "requestInvalid"],
    ["a window that ends before it begins", ["request", "window", "to"], 0, "requestInvalid"],
    ["no policy at all", ["policy"], undefined, "noPolicy"],
    ["a policy that is a list", ["policy"], [], "policyInvalid"],
    ["a policy without a sunset", ["policy", "sunset"], undefined, "policyInvalid"],
    ["a policy of more than a year", ["policy", "sunset"], "2027-06-01T00:00:00Z", "policyInvalid"],
    ["a first version with a previous one", ["policy", "version"], 1, "policyInvalid"],
    ["a lane that does not exist", ["policy", "offers", "0", "lane"], "both", "policyInvalid"],
    ["a purpose of no vocabulary", ["policy", "offers", "0", "purpose"], "trade", "policyInvalid"],
    ["no key of the recipient", ["policy", "offers", "0", "recipientKey"], undefined, "policyInvalid"],
    ["a field of the other lane", ["policy", "offers", "0", "clamp"], 5, "unknownField"],
    ["consents that are none", ["consents"], null, "consentInvalid"],
    ["a consent without a hash", ["consents", "0", "policyHash"], undefined, "consentInvalid"],
    ["a limit that is a word", ["consents", "0", "limits"], { retentionDays: "30" }, "consentInvalid"],
    ["an epsilon of nothing", ["consents", "0", "limits"], { epsilon: "0/5" }, "consentInvalid"],
  ])("denies %s", (_what, path, value, because) => {
    expect(decideCase(changed(path, value))).toEqual({ kind: "deny", because });
  });
});

describe("the document", () => {
  it("explains every reason, in order", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/policy-cases.md"), "utf8");
    const section = text.slice(text.indexOf("\n## Reasons"), text.indexOf("\n## Worked cases"));
    const codes = [...section.matchAll(/^\| `(\w+)` +\|/gm)].map(([, code]) => code);
    expect(codes).toEqual(Object.keys(REASONS));
  });

  it("says how the hash is made: sorted keys, no spaces, SHA-256", () => {
    const value = { b: 1, a: [{ d: "é", c: null }] };
    const canonical = '{"a":[{"c":null,"d":"é"}],"b":1}';
    expect(policyHash(value)).toBe(createHash("sha256").update(canonical).digest("hex"));
  });
});
