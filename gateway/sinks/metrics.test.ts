import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { metricsWhenAsked, type AskedMetricsOptions } from "./metrics.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "fieldwatt-token-"))));
afterEach(() => rmSync(folder, { recursive: true }));

it.each([
  ["the token", "correct-horse-battery", "Bearer correct-horse-battery", true],
  ["another", "correct-horse-battery", "Bearer wrong-horse-battery", false],
  ["no header", "correct-horse-battery", undefined, false],
  ["another scheme", "correct-horse-battery", "Basic correct-horse-battery", false],
  ["a token that is too short", "short", "Bearer short", false],
  ["an empty file", "", "Bearer ", false],
  ["no file at all", undefined, "Bearer undefined", false],
])("with %s", async (_, kept, authorization, yes) => {
  if (kept !== undefined) writeFileSync(join(folder, "token"), `${kept}\n`);
  const site = { file: join(folder, "site.yaml"), sinks: { prometheus: { tokenFile: "token" } } };
  const metrics = metricsWhenAsked({ site } as unknown as AskedMetricsOptions);
  expect(await metrics.isToken(authorization)).toBe(yes);
});

it("lets nobody in by a token where the site file names none", async () => {
  const site = { file: join(folder, "site.yaml"), sinks: {} };
  const metrics = metricsWhenAsked({ site } as unknown as AskedMetricsOptions);
  expect(await metrics.isToken("Bearer correct-horse-battery")).toBe(false);
});
