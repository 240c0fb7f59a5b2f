import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { instant } from "../domain/model/index.ts";
import { openRecord } from "../gateway/record/open.ts";
import { siteWith } from "../test/support/site.ts";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const main = join(import.meta.dirname, "fieldwatt.mjs");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-cli-clock-"));
  const connection = { kind: "modbus-tcp", host: "127.0.0.1" };
  const site = { ...siteWith([{ device: "eastron-sdm120", connection }]), data: "." };
  await writeFile(join(folder, "site.yaml"), stringify(site));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = promisify(execFile);
const clock = async (...args: string[]): Promise<string> => {
  const all = [main, "clock", ...args, "--site", join(folder, "site.yaml")];
  return (await run(process.execPath, all)).stdout;
};
const order = async (): Promise<unknown> =>
  JSON.parse(await readFile(join(folder, "clock-order.json"), "utf8"));

it("lays a person's word on the site's clocks where the gateway takes it, one at a time", async () => {
  expect(await clock("set", "--time", "2026-06-15T07:45:30")).toContain("2026-06-15T04:45:30.000Z");
  expect(await order()).toMatchObject({
    kind: "set",
    time: Date.UTC(2026, 5, 15, 4, 45, 30),
    earlier: false,
  });
  await expect(clock("set")).rejects.toMatchObject({
    stderr: expect.stringContaining("is the gateway running?"),
  });
});

it("gives readings up only after a yes", async () => {
  await expect(clock("discard", "--boot", "b")).rejects.toMatchObject({
    stderr: expect.stringContaining("--yes"),
  });
  await clock("discard", "--boot", "b", "--yes");
  expect(await order()).toEqual({ kind: "discard", boot: "b" });
});

it("shows what the clock did and what waits for its time", async () => {
  const store = await openRecord({ path: join(folder, "record.sqlite") });
  const time = instant(Date.UTC(2026, 5, 15, 4));
  await store.run("noteClock", {
    boot: "b1",
    uptime: 9_000,
    time,
    state: "unset",
    because: "not synchronised",
  });
  const reading = { uptime: 12_000, stream: "meter-1/voltage", value: 230, quality: "ok" } as const;
  await store.run("keepUndated", { boot: "b1", readings: [reading] });
  await store[Symbol.asyncDispose]();
  const shown = await clock("show");
  expect(shown).toContain("after 2026-06-15T04:00:00.000Z  unset     not synchronised");
  expect(shown).toContain(
    "boot b1: 1 readings wait, 12 to 12 s after its start, between 2026-06-15T04:00:00.000Z and ?",
  );
});
