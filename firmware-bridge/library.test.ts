import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sipHash } from "../drivers/field-link/check.ts";
import { cobsEncode } from "../drivers/field-link/cobs.ts";
import { build, missingFor, runProgram } from "./tools.ts";
import vectors from "./vectors.json" with { type: "json" };

const missing = missingFor(["native"]);
const SEED = 20260615;

describe.skipIf(missing)(`the C library${missing ? `, ${missing}` : ""}`, () => {
  it("says what the vectors say, frame by frame", async () => {
    await using built = await build(["native"]);
    await using desk = runProgram(join(built.folder, "native-desk"));
    for (const [plain, stuffed] of vectors.cobs.pairs) {
      expect(await desk.ask(`cobs ${plain}`)).toBe(stuffed);
      expect(await desk.ask(`uncobs ${stuffed}`)).toBe(plain);
    }
    for (const bytes of vectors.cobs.invalid) expect(await desk.ask(`uncobs ${bytes}`)).toBe("invalid");
    expect(await desk.ask(`crc ${vectors.crc.of}`)).toBe(vectors.crc.is);
    for (const { context, of, is } of vectors.macs.rows)
      expect(await desk.ask(`mac ${vectors.macs.key} ${context} ${of}`)).toBe(is);
    for (const row of vectors.conversation) {
      if (row.do !== undefined) expect(await desk.ask(row.do)).toBe("");
      else expect([row.says, await desk.ask(`hear ${row.request}`)]).toEqual([row.says, row.answer]);
    }
    for (const bytes of Object.values(vectors.damaged)) expect(await desk.ask(`hear ${bytes}`)).toBe("");
  });

  it("agrees with the TypeScript side about every byte", async () => {
    await using built = await build(["native"]);
    await using desk = runProgram(join(built.folder, "native-desk"));
    const bytes = fc.uint8Array({ maxLength: 300 });
    const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const hex = (one: Uint8Array): string => Buffer.from(one).toString("hex");
    const agrees = fc.asyncProperty(bytes, sixteen, sixteen, async (message, key, context) => {
      expect(await desk.ask(`cobs ${hex(message)}`)).toBe(hex(cobsEncode(message)));
      const mac = await desk.ask(`mac ${hex(key)} ${hex(context)} ${hex(message)}`);
      expect(mac).toBe(hex(sipHash(key, context, message)));
    });
    await fc.assert(agrees, { numRuns: 300, seed: SEED });
  });
});

/** Frames that the fuzzer sends; the soak sends ten million. */
const FRAMES = Number(process.env["FIELDWATT_FRAMES"] ?? 100_000);
const FRAMES_A_RUN = 8;
const withoutClang = missingFor(["fuzz"]);

describe.skipIf(withoutClang)(`the C library under fuzzing${withoutClang ? `, ${withoutClang}` : ""}`, () => {
  it(
    "reads no byte that is not its own, and answers with whole frames alone",
    async () => {
      await using built = await build(["fuzz"]);
      const args = [
        `-runs=${Math.ceil(FRAMES / FRAMES_A_RUN)}`,
        `-seed=${SEED}`,
        "-max_len=400",
        "-len_control=0",
      ];
      const { stderr } = await promisify(execFile)(join(built.folder, "fuzz-frames"), args, {
        cwd: built.folder,
        maxBuffer: 100_000_000,
      });
      expect(Number(/frames (\d+)/.exec(stderr)?.[1])).toBeGreaterThanOrEqual(FRAMES);
    },
    60_000 + FRAMES,
  );
});

it("has vectors that are what vectors.py makes", async () => {
  // Python is a part of every Debian; where it is not, CI is not set either.
  const script = join(import.meta.dirname, "vectors.py");
  const { stdout } = await promisify(execFile)("python3", [script]);
  const published = await readFile(join(import.meta.dirname, "vectors.json"), "utf8");
  expect(JSON.parse(published)).toEqual(JSON.parse(stdout));
});
