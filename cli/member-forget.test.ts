import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { deviceId, instant, streamId } from "../domain/model/index.ts";
import { openRecord } from "../gateway/record/open.ts";

/** The command as people call it, because it prints, asks and opens files of its own. */
const main = new URL("./main.ts", import.meta.url).pathname;
const run = (...words: string[]) =>
  spawnSync(process.execPath, [main, "member", ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/** Each call is a process of its own, which a busy machine is slow to start. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let folder: string;
let site: string;
const stream = (device: string) => streamId(deviceId(device), "activePower");
const openIt = () => openRecord({ path: join(folder, "data", "record.sqlite") });
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-forget-"));
  site = join(folder, "site.yaml");
  const devices = ["house-01", "house-02"].map((member) => ({
    ...{ id: `${member}-grid`, device: "eastron-sdm120", member, mounting: "grid" },
    connection: { kind: "modbus-tcp", host: "127.0.0.1" },
  }));
  const words = {
    ...{ id: "kijiji", name: "Kijiji", timeZone: "Africa/Nairobi", latitude: -1.3, longitude: 36.8 },
    ...{ elevation: 1660, data: "data", portal: { port: 8080 }, devices },
    members: ["house-01", "house-02"].map((id) => ({ id, name: `Family of ${id}` })),
  };
  await writeFile(site, JSON.stringify(words));
  await using store = await openIt();
  await store.append(
    ["house-01-grid", "house-02-grid"].map((device) => ({
      ...{ stream: stream(device), time: instant(Date.UTC(2026, 5, 15)), value: 1, quality: "ok" as const },
    })),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kept = async (device: string): Promise<number> => {
  await using store = await openIt();
  return store.readings.between(stream(device), { from: instant(0), to: instant(9e12) }).length;
};

it.each([
  ["nobody says yes", []],
  ["another id is said", ["--yes", "house-02"]],
])("deletes nothing where %s, and says what would go and stay", async (_what, more) => {
  const { status, stdout, stderr } = run("forget", "house-01", "--site", site, ...more);
  expect(status).toBe(1);
  expect(stdout).toContain("Of Family of house-01 this goes, for ever:");
  expect(stderr).toContain("Nothing was deleted");
  expect(await kept("house-01-grid")).toBe(1);
});

it("leaves it to the gateway that is running, and does it where none is", async () => {
  {
    await using _running = await openIt();
    const { stdout } = run("forget", "house-01", "--site", site, "--yes", "house-01");
    expect(stdout).toContain("The gateway that is running does it within a minute");
  }
  expect(await kept("house-01-grid")).toBe(1);
  const { stdout } = run("forget", "house-01", "--site", site, "--yes", "house-01", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    member: "house-01",
    done: true,
    by: "operator",
    gone: { readings: 1 },
  });
  expect(await kept("house-01-grid")).toBe(0);
  expect(await kept("house-02-grid")).toBe(1);
});

it("knows only the members of the site file", () => {
  expect(run("forget", "house-09", "--site", site).stderr).toContain('no member "house-09"');
});
