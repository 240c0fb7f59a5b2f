import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDemoFolder } from "./folder.ts";

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "fieldwatt-demo-folder-"));
});
afterEach(() => rmSync(path, { recursive: true }));

const stateOf = (): unknown => JSON.parse(readFileSync(join(path, "village.json"), "utf8"));

it("keeps its time in turn, however many are still writing, and the clean end last", async () => {
  let now = 1_000;
  const folder = await openDemoFolder({ path, speed: 60, wallNow: () => now });
  now += 5_000;
  await Promise.all([...Array.from({ length: 50 }, () => folder.renew()), folder.close()]);
  expect(stateOf()).toMatchObject({ reached: folder.state.reached + 5_000 * 60 });
  const again = await openDemoFolder({ path, speed: 60, wallNow: () => now });
  expect(again).toMatchObject({ isNew: false, state: { reached: folder.state.reached + 5_000 * 60 } });
});

it("goes on after a write that failed", async () => {
  const folder = await openDemoFolder({ path, speed: 1, wallNow: () => 0 });
  rmSync(path, { recursive: true });
  await expect(folder.renew()).rejects.toThrow("ENOENT");
  path = (await openDemoFolder({ path, speed: 1, wallNow: () => 0 })).path;
  await folder.close();
  expect(stateOf()).toMatchObject({ reached: folder.state.reached });
});
