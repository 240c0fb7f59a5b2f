import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openRemembered } from "./remembered.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-remembered-"));
  file = join(folder, "deeper", "site");
});
afterEach(() => rmSync(folder, { recursive: true }));

const VALUE = {
  watts: 12.5,
  big: 2n ** 60n,
  bytes: Uint8Array.of(1, 2),
  none: undefined,
  in: new Map([[1, /x/g]]),
};

/** What one start asks for; each text that has to be made anew is told. */
async function start(texts: readonly string[], program = "build 1"): Promise<string[]> {
  const made: string[] = [];
  const remembered = await openRemembered(file, program);
  for (const text of texts) {
    const value = await remembered.of("site", text, async () => {
      made.push(text);
      return { ...VALUE, text };
    });
    expect(value).toStrictEqual({ ...VALUE, text });
  }
  await remembered.save();
  return made;
}

describe("what was found right before", () => {
  it("is made once, and again only of what changed", async () => {
    expect(await start(["a", "b"])).toEqual(["a", "b"]);
    expect(await start(["a", "b"])).toEqual([]);
    expect(await start(["a", "c"])).toEqual(["c"]);
  });

  it("is kept for as long as it is asked for", async () => {
    await start(["a", "b"]);
    await start(["a"]);
    expect(await start(["a", "b"])).toEqual(["b"]);
  });

  it("is not written again where nothing is new", async () => {
    await start(["a"]);
    const { ino } = statSync(file);
    await start(["a"]);
    expect(statSync(file).ino).toBe(ino);
  });

  it("means what it was made for: the same text as something else is another", async () => {
    const remembered = await openRemembered(file, "build 1");
    await remembered.of("site", "a", async () => 1);
    expect(await remembered.of("device file", "a", async () => 2)).toBe(2);
  });

  it("is nobody else's to read", async () => {
    await start(["a"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["of another build", () => undefined, "build 2"],
    ["torn", () => truncateSync(file, statSync(file).size - 1), "build 1"],
    ["empty", () => writeFileSync(file, ""), "build 1"],
    [
      "changed in one bit",
      () => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      "build 1",
    ],
  ])("counts for nothing when it is %s", async (_what, change, program) => {
    await start(["a"]);
    change();
    expect(await start(["a"], program)).toEqual(["a"]);
    expect(await start(["a"], program)).toEqual([]);
  });

  it("keeps nothing of what was not found right", async () => {
    const remembered = await openRemembered(file, "build 1");
    const wrong = vi.fn(() => Promise.reject(new Error("line 3")));
    await expect(remembered.of("site", "a", wrong)).rejects.toThrow("line 3");
    await expect(remembered.of("site", "a", wrong)).rejects.toThrow("line 3");
    await remembered.save();
    expect(await start(["a"])).toEqual(["a"]);
  });

  it("says where it cannot be written", async () => {
    writeFileSync(join(folder, "deeper"), "a file");
    await expect(start(["a"])).rejects.toThrow("deeper");
  });
});
