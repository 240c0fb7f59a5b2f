import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../cli/demo/ports.ts";
import { instant, type StreamId } from "../../domain/model/index.ts";
import { build, missingFor, runProgram, type Built, type Program } from "../../firmware-bridge/tools.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { chromiumIsMissing, openBrowser, type TestBrowser, type Visit } from "../support/browser.ts";
import { LAPTOP, PHONE } from "../support/portal-browser.ts";
import { eventually } from "./kit.ts";

/**
 * The guide docs/build-a-node.md, walked as a newcomer without a board walks it: its commands and its site file, taken
 * from the page, the firmware in an emulated ATmega328P, a gateway as a process, and Chromium before its pages.
 */
const root = join(import.meta.dirname, "..", "..");
const guide = readFileSync(join(root, "docs", "build-a-node.md"), "utf8");
const missing = missingFor(["avr", "emulator"]);
const PATIENCE_MS = 120_000;

let folder: string;
let built: Built;
let node: Program;
let line: string;
let port: number;
let gateway: ChildProcess | undefined;
let browser: TestBrowser;
let visit: Visit;
const at = (name: string): string => join(folder, name);

/** The one line of the guide's commands that begins so. */
function commandOf(start: string): string {
  const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  const found = blocks.flatMap((block) => block.split("\n")).filter((one) => one.startsWith(start));
  expect(found, `one command "${start}…" in the guide`).toHaveLength(1);
  return found[0] ?? "";
}

function blockOf(language: string, start: string): string {
  const found = [...guide.matchAll(/```(\w*)\n([\s\S]*?)```/g)].find(
    ([, name, block = ""]) => name === language && block.startsWith(start),
  );
  expect(found, `a block "${start}…" in the guide`).toBeDefined();
  return found?.[2] ?? "";
}

/** As the guide has it, in places of this machine; a sample every two seconds instead of every quarter hour. */
const here = (text: string): string =>
  text
    .replaceAll("fieldwatt ", `${process.execPath} ${join(root, "cli", "fieldwatt.mjs")} `)
    .replaceAll("firmware-bridge/c/build.sh", join(root, "firmware-bridge", "c", "build.sh"))
    .replaceAll("/tmp/node", built.folder)
    .replaceAll("/dev/ttyUSB0", line)
    .replaceAll("--interval 900", "--interval 2")
    .replaceAll("port: 8080", `port: ${port}`);

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

/** Runs a command of the guide; `onSaid` hears what it says as it goes. */
async function run(command: string, onSaid: (said: string) => void = () => undefined): Promise<Ended> {
  const child = spawn("bash", ["-c", here(command)], { cwd: folder });
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => onSaid((out += bytes.toString())));
  child.stderr.on("data", (bytes: Buffer) => onSaid((err += bytes.toString())));
  const [code] = (await once(child, "close")) as [number | null];
  return { out, err, code };
}

async function runWell(command: string, onSaid?: (said: string) => void): Promise<string> {
  const { out, err, code } = await run(command, onSaid);
  expect(code, `${command}\n${err}`).toBe(0);
  return out;
}

/** Through bash's own place: the process is the gateway. */
async function startGateway(): Promise<void> {
  const child = spawn("bash", ["-c", `exec ${here(commandOf("fieldwatt gateway run"))}`], { cwd: folder });
  gateway = child;
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => (log += bytes.toString()));
  await eventually(
    "the gateway's pages",
    async () => {
      if (child.exitCode !== null) throw new Error(log);
      const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
      return answer?.ok && existsSync(at("data/operator-link"));
    },
    PATIENCE_MS,
  );
}

async function endGateway(): Promise<void> {
  if (!gateway || gateway.exitCode !== null) return;
  const ended = once(gateway, "exit");
  gateway.kill("SIGTERM");
  await ended;
}

function readings(stream: string) {
  using record = openRecordReader(at("data"));
  return record.readings.between(stream as StreamId, { from: instant(0), to: instant(8e15) });
}

const moreReadings = async (): Promise<void> => {
  const before = readings("node-1/soilMoisture").length;
  await eventually(
    "two more samples",
    () => readings("node-1/soilMoisture").length >= before + 2,
    PATIENCE_MS,
  );
};

describe.skipIf(missing ?? chromiumIsMissing())(`the guide for nodes${missing ? `, ${missing}` : ""}`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "fieldwatt-guide-"));
    // The guide's own build, which also prints the sizes.
    built = await build(["avr", "emulator"]);
    port = await freePort();
    node = runProgram(at2("emulator"), [at2("node.flash"), at2("state")]);
    line = (await node.heard("ready ")).slice("ready ".length);
    browser = await openBrowser();
    visit = await browser.visit({ viewport: LAPTOP });
    visit.page.setDefaultTimeout(60_000);
  }, PATIENCE_MS);
  afterAll(async () => {
    await visit[Symbol.asyncDispose]();
    await browser[Symbol.asyncDispose]();
    await endGateway();
    await node[Symbol.asyncDispose]();
    await built[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }, PATIENCE_MS);
  const at2 = (name: string): string => join(built.folder, name);

  it("leads from a site file to a node's key and its first readings", async () => {
    expect(commandOf("/tmp/node/emulator")).toBe("/tmp/node/emulator /tmp/node/node.flash /tmp/node/state");
    writeFileSync(at("site.yaml"), here(blockOf("yaml", "id: yard")));
    for (const order of ["analog 0 1500", "analog 1 1800"]) node.tell(order);
    for (const openssl of ["openssl genpkey", "openssl pkey"]) await runWell(commandOf(openssl));
    await startGateway();
    const said = await runWell(commandOf("fieldwatt node provision"), (text) => {
      if (text.includes("Press the node's button now")) node.tell("button 1");
    });
    node.tell("button 0");
    const [told = "", snippet = ""] = said.split(/\n\n/);
    // What the page shows is what the command says, but for the places.
    const shown = here(blockOf("", "Press the node's button now (60 s) …\n")).replaceAll(
      "interval: 900 s",
      "interval: 2 s",
    );
    expect(shown).toContain(told.trim());
    expect(shown).toContain(snippet.trim());
    await appendFile(at("site.yaml"), `${snippet.trimEnd()}\n${blockOf("yaml", "flows:\n  actuators:")}`);
    await endGateway();
    await startGateway();
    await eventually("a sample", () => readings("node-1/soilMoisture").at(-1)?.quality === "ok", PATIENCE_MS);
    // 1.5 V are half of the soil probe's 3 V: 0.300 m3/m3; 1.8 V are 12 mA: half of the tank's 5 m.
    expect(readings("node-1/soilMoisture").at(-1)?.value).toBeCloseTo(0.3, 2);
    expect(readings("node-1/tankLevel").at(-1)?.value).toBeCloseTo(2.5, 1);
    expect(await runWell(commandOf("fieldwatt node list"))).toMatch(/1 +uno-meter +1\.0\.0 +gateway-trusted/);
    expect(await runWell(commandOf("fieldwatt node log"))).toContain("power on");
  }, 240_000);

  it("updates the node by the command line while the gateway reads it, and not while its pump runs", async () => {
    await release("1.1.0", 2);
    const { page } = visit;
    await signIn(page);
    await page.getByRole("link", { name: "Flows and switches" }).click();
    await page.getByRole("button", { name: "On, by hand" }).click();
    expect(await node.heard("relay 1")).toBe("relay 1");
    const refused = await run(commandOf("fieldwatt node update node.img 1"));
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("Pump at the well is on")]);
    await page.getByRole("button", { name: "Off, by hand" }).click();
    expect(await node.heard("relay 0")).toBe("relay 0");
    const said = await runWell(commandOf("fieldwatt node update node.img 1"));
    expect(said).toBe("node 1: 1.0.0 -> 1.1.0, confirmed (gateway-trusted)\n");
    await moreReadings();
    expect(await runWell(commandOf("fieldwatt node list"))).toContain("1.1.0");
  }, 240_000);

  it("updates it from the page, on a phone, and says what it refuses", async () => {
    const [program, signed] = [await readFile(at2("node.bin")), await release("1.2.0", 3)];
    const { page, complaints } = visit;
    await page.setViewportSize(PHONE);
    await page.goto(`http://127.0.0.1:${port}/operator`);
    await page.getByRole("link", { name: "Field nodes" }).click();
    await send(page, program);
    await page.getByText("Not begun: the image is none of MCUboot's").waitFor();
    await send(page, signed);
    await page.getByText(/Node 1: 1\.1\.0 → 1\.2\.0, \d+ % sent/).waitFor();
    await page.getByText("Update: done").waitFor({ timeout: PATIENCE_MS });
    expect(await page.locator("#nodes").innerText()).toContain("1.2.0, gateway-trusted");
    await page.locator("#node-1 summary").click();
    expect(await page.locator("#node-1").innerText()).toMatch(/started: power on/);
    expect(await overflow(page)).toBe(0);
    await moreReadings();
    await picture(page);
    expect(complaints).toEqual([]);
  }, 240_000);
});

async function release(version: string, counter: number): Promise<Buffer> {
  const compile = commandOf("FIRMWARE=1.1.0").replace("1.1.0", version);
  const sign = commandOf("fieldwatt node sign")
    .replace("1.1.0", version)
    .replace("--counter 2", `--counter ${counter}`);
  await runWell(compile);
  await runWell(sign);
  return readFile(at("node.img"));
}

/** By the operator's one-time link. */
async function signIn(page: Page): Promise<void> {
  const link = (await readFile(at("data/operator-link"), "utf8")).trim();
  await page.goto(link);
  await page.waitForURL((url) => !url.pathname.startsWith("/once/"));
}

async function send(page: Page, image: Buffer): Promise<void> {
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "node.img", mimeType: "application/octet-stream", buffer: image });
  await page.locator("input[name=node]").check();
  await page.getByRole("button", { name: "Check the signature and send" }).click();
}

/** How far a page reaches beyond the screen, px. */
const overflow = (page: Page): Promise<unknown> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

async function picture(page: Page): Promise<void> {
  const images = process.env.FIELDWATT_IMAGES;
  if (images) await page.screenshot({ path: join(images, "nodes-page.png"), fullPage: true });
}
