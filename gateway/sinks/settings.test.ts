import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkSite } from "../site/check.ts";

const example = (name: string): string =>
  readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8");
const site = example("site.yaml");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-sinks-site-"));
  writeFileSync(join(folder, "policy.yaml"), example("policy.yaml"));
  writeFileSync(join(folder, "hub-password"), "any\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The problems of the example site with these sinks, as line of `sinks:` (1) and further, and what is said. */
async function problemsOf(sinks: string, whole = site): Promise<string[]> {
  const file = join(folder, "site.yaml");
  const text = `${whole}\n${sinks}`;
  writeFileSync(file, text);
  const start = whole.split("\n").length;
  return (await checkSite(file)).map(({ line, message }) => `${line - start}: ${message}`);
}

it.each([
  ["sinks: {}", []],
  ["sinks:\n  influxdb: { url: http://127.0.0.1:8086 }\n  csv: {}\n  homeAssistant: {}", []],
  ["sinks:\n  influxdb: { url: http://192.168.1.9:8086, database: farm, batch: 500 }", []],
  ["sinks:\n  influxdb: { url: https://cloud.example.org, outsideHost: cloud.example.org }", []],
])("takes %j", async (sinks, problems) => {
  expect(await problemsOf(sinks)).toEqual(problems);
});

it.each([
  [
    "sinks:\n  influxdb: { url: https://cloud.example.org }",
    "2: sinks.influxdb.url: cloud.example.org is not an",
  ],
  [
    "sinks:\n  influxdb: { url: https://cloud.example.org, outsideHost: other.example.org }",
    "2: sinks.influxdb.url: outsideHost allows other.example.org",
  ],
  [
    "sinks:\n  influxdb: { url: http://localhost:8086, user: me }",
    "2: sinks.influxdb: user and passwordFile belong",
  ],
  [
    "sinks:\n  influxdb:\n    url: http://localhost:8086\n    user: me\n    passwordFile: nowhere",
    "5: sinks.influxdb.passwordFile: nowhere cannot be read; it holds the password of InfluxDB's user",
  ],
  ["sinks:\n  influxdb: { url: http://localhost:8086, batch: 5001 }", "2: sinks.influxdb.batch: "],
  ["sinks:\n  influxDB: {}", '2: "influxDB" is not a known key here'],
  ["sinks:\n  homeAssistant: { user: house-03-meter }", "2: sinks.homeAssistant.user: a device has the id"],
  ["sinks:\n  prometheus: { tokenFile: nowhere }", "2: sinks.prometheus.tokenFile: nowhere cannot be read"],
])("refuses %j where it stands, in words", async (sinks, said) => {
  const problems = await problemsOf(sinks);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(said);
});

it("refuses Home Assistant through a broker of the world, unless the site file names it", async () => {
  const away = "externalBroker: { url: mqtts://broker.example.org, user: me, passwordFile: hub-password }";
  const elsewhere = site.replace(/^broker: .*$/m, away);
  const [problem] = await problemsOf("sinks:\n  homeAssistant: {}", elsewhere);
  expect(problem).toContain("broker.example.org is not an address of this computer");
  const named = "sinks:\n  homeAssistant: { outsideHost: broker.example.org }";
  expect(await problemsOf(named, elsewhere)).toEqual([]);
});
