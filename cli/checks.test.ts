import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { turboshake128 } from "@noble/hashes/sha3-addons.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import merkle from "../test/captures/merkle.json" with { type: "json" };
import noise from "../test/captures/noise.json" with { type: "json" };

const main = join(import.meta.dirname, "main.ts");
const fieldwatt = (args: readonly string[], input = ""): string =>
  execFileSync(process.execPath, [main, ...args], { input, encoding: "utf8" });

describe("the stable ways in for checking", () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "fieldwatt-checks-"))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // RFC 8785, section 3.2.2 and 3.2.4: the example and its canonical form.
  it("fieldwatt jcs gives the canonical form of the RFC's example", () => {
    const input = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`;
    const expected = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
    expect(fieldwatt(["jcs"], input)).toBe(expected);
  });

  it("fieldwatt jcs refuses what is not JSON in one line", () => {
    const { status, stderr } = spawnSync(process.execPath, [main, "jcs"], { input: "{", encoding: "utf8" });
    expect([status, stderr.trim().split("\n").length]).toEqual([1, 1]);
  });

  it.each([0, 1])("fieldwatt egress proof-check, case %i of transparency-dev/merkle", (i) => {
    const proof = merkle.cases[i];
    expect(JSON.parse(fieldwatt(["egress", "proof-check"], JSON.stringify(proof)))).toMatchObject({
      valid: proof?.wantErr === false,
    });
  });

  it("fieldwatt noise gaussian replays a published vector from its bytes", () => {
    const [vector] = noise.discrete_gaussian;
    const seed = Buffer.from(vector?.seed ?? "", "hex");
    const stream = turboshake128
      .create({ D: 1 })
      .update(Uint8Array.of(0, 0, seed.length))
      .update(seed)
      .xof(200_000);
    const file = join(folder, "bytes");
    writeFileSync(file, stream);
    const printed = fieldwatt([
      "noise",
      "gaussian",
      "--sigma",
      "3",
      "--bytes",
      file,
      "--count",
      String(vector?.samples.length),
    ]);
    expect(printed.trim().split("\n").map(Number)).toEqual(vector?.samples);
  });

  it("fieldwatt noise says when the bytes do not suffice", () => {
    const file = join(folder, "few");
    writeFileSync(file, Buffer.alloc(8));
    const { status, stderr } = spawnSync(
      process.execPath,
      [main, "noise", "laplace", "--scale", "7/2", "--bytes", file, "--count", "5"],
      { encoding: "utf8" },
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining("has 8 bytes")]);
  });
});
