import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeSecretFile } from "./secret-file.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "fieldwatt-secret-"))));
afterEach(() => rmSync(folder, { recursive: true }));

it("is written by several at a time, each whole, and stays as the last of them wanted it", async () => {
  const file = join(folder, "key");
  const texts = Array.from({ length: 50 }, (_, n) => `${n} ${"x".repeat((n * 7_919) % 20_000)}\n`);
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (readdirSync(folder).includes("key")) expect(texts).toContain(readFileSync(file, "utf8"));
    }
  })();
  await Promise.all(texts.map((text) => writeSecretFile(file, text)));
  isOver = true;
  await reading;
  expect(readFileSync(file, "utf8")).toBe(texts.at(-1));
  expect(readdirSync(folder)).toEqual(["key"]);
});

it("holds up nobody else where one cannot be written", async () => {
  const wrong = writeSecretFile(join(folder, "away", "key"), "a");
  const right = writeSecretFile(join(folder, "key"), "b");
  await expect(wrong).rejects.toThrow("ENOENT");
  await right;
});
