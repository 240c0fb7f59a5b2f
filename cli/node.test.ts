import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { instant } from "../domain/model/index.ts";
import { openNodeBook } from "../drivers/index.ts";
import { siteWith } from "../test/support/site.ts";
import { nodeCommand } from "./node.ts";

const KEY = "000102030405060708090a0b0c0d0e0f";
let folder: string;
const at = (name: string): string => join(folder, name);

async function run(...args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    exitCode: 0,
  };
  await nodeCommand(terminal).parseAsync([...args], { from: "user" });
  return { out: out.join(""), err: err.join(""), exitCode: terminal.exitCode };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-node-"));
  const device = { device: "tasmota-energy", connection: { kind: "mqtt", topic: "devices/meter-1" } };
  await writeFile(at("site.yaml"), stringify({ ...siteWith([device]), data: "data" }));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  await writeFile(at("co-op.pem"), privateKey.export({ format: "pem", type: "pkcs8" }));
  await writeFile(at("co-op.pub.pem"), publicKey.export({ format: "pem", type: "spki" }));
  const other = generateKeyPairSync("ed25519").publicKey;
  await writeFile(at("other.pub.pem"), other.export({ format: "pem", type: "spki" }));
  await writeFile(at("node.bin"), Buffer.alloc(300, 1));
  const time = instant(Date.UTC(2026, 5, 15, 6));
  const said = [
    { sequence: 1, time, kind: "started", detail: "1" },
    { sequence: 9, time, kind: "started", detail: "4" },
  ];
  const lines = { lines: [], datedThrough: 9, through: 9, said };
  const about = {
    number: 7,
    key: KEY,
    hardware: "uno-meter",
    firmware: "1.0.0",
    counter: 3,
    provisioned: time,
  };
  await openNodeBook(at("data")).save({ ...about, ...lines });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("lists the nodes that have keys, and shows no key", async () => {
  for (const form of [["--json"], []]) {
    const { out } = await run("list", "--site", at("site.yaml"), ...form);
    expect(out).toContain("uno-meter");
    expect(out).toContain("gateway-trusted");
    expect(out).not.toContain(KEY);
  }
});

it("tells what a node said of itself in words", async () => {
  const { out } = await run("log", "7", "--site", at("site.yaml"));
  expect(out).toContain("2026-06-15T06:00:00.000Z  started  power on");
  expect(out).toContain("brown-out");
  expect((await run("log", "8", "--site", at("site.yaml"))).err).toContain("there is no node 8");
});

const update = (image: string, key: string, ...more: readonly string[]) =>
  run("update", image, ...more, "--key", at(key), "--site", at("site.yaml"), "--line", at("no-such-port"));

it.each([
  ["another key", 3, "uno-meter", "other.pub.pem", "signed by another key"],
  ["a smaller counter", 2, "uno-meter", "co-op.pub.pem", "roll-back"],
  ["other hardware", 3, "nano-pump", "co-op.pub.pem", "is for nano-pump"],
  ["a port that is not there", 3, "uno-meter", "co-op.pub.pem", "no-such-port"],
])("refuses an update before a byte is sent: %s", async (_what, counter, hardware, key, why) => {
  const image = at("node.img");
  const release = ["--version", "1.1.0", "--counter", String(counter), "--hardware", hardware];
  const signed = await run("sign", at("node.bin"), "--key", at("co-op.pem"), ...release, "--out", image);
  expect(signed).toMatchObject({ exitCode: 0, err: "" });
  const { err, exitCode } = await update(image, key, "7");
  expect([exitCode, err]).toEqual([1, expect.stringContaining(why)]);
});

it("refuses a program that nobody signed", async () => {
  expect((await update(at("node.bin"), "co-op.pub.pem", "7")).err).toContain("none of MCUboot's");
});
