import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { end } from "../../bench/support/gateway.ts";
import { instant } from "../../domain/model/index.ts";
import { setDevicePasswords } from "../../gateway/acquire/device-passwords.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { influxdIsMissing, openInfluxd, type Influxd } from "../support/influxd.ts";

/**
 * A real gateway, killed with -9, and a real InfluxDB, which dies too: in the end everything that the record holds is
 * in InfluxDB and in the CSV files exactly once.
 */
const missing = influxdIsMissing();
const cli = new URL("../../cli/fieldwatt.mjs", import.meta.url).pathname;
const METERS = ["meter-1", "meter-2"];
const MINUTE_MS = 60_000;

let folder: string;
let influxd: Influxd;
let gateway: ChildProcess | undefined;
let passwords: Record<string, string>;
beforeEach(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-sinks-"));
  mkdirSync(join(folder, "influxd"));
  mkdirSync(join(folder, "data"));
  influxd = await openInfluxd(join(folder, "influxd"));
  passwords = await setDevicePasswords(join(folder, "data"), METERS, randomBytes);
});
afterEach(async () => {
  if (missing) return;
  if (gateway) await end(gateway);
  await influxd.stop();
  await rm(folder, { recursive: true });
});

function writeSite(sinks: object): void {
  const devices = METERS.map((id) => ({
    id,
    device: "senml-pack",
    member: "member-1",
    mounting: "load",
    connection: { kind: "mqtt", topic: id },
  }));
  const place = { timeZone: "Africa/Nairobi", latitude: 0, longitude: 37, elevation: 1600 };
  const members = [{ id: "member-1", name: "Member" }];
  const site = {
    id: "sinks",
    name: "Sinks",
    ...place,
    members,
    devices,
    broker: { port: 0 },
    portal: { port: 0 },
  };
  // JSON is YAML.
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ ...site, sinks }));
}

interface Ports {
  readonly brokerPort: number;
  readonly portalPort: number;
}

async function start(): Promise<Ports> {
  const args = [cli, "gateway", "run", "--site", join(folder, "site.yaml"), "--log", join(folder, "log")];
  gateway = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ready = once(gateway, "message").then(([message]) => message as Ports);
  const ended = once(gateway, "exit").then(() =>
    Promise.reject(new Error(readFileSync(join(folder, "log"), "utf8"))),
  );
  ended.catch(() => undefined);
  return Promise.race([ready, ended]);
}

async function kill(signal: NodeJS.Signals): Promise<void> {
  const gone = gateway && once(gateway, "exit");
  gateway?.kill(signal);
  await gone;
}

/** Each second of the span one power of each meter, and its voltage; resolves when all is acknowledged. */
async function publish({ brokerPort }: Ports, from: number, to: number): Promise<void> {
  await Promise.all(
    METERS.map(async (username) => {
      const client = await connectAsync(`mqtt://127.0.0.1:${brokerPort}`, {
        username,
        password: passwords[username] ?? "",
      });
      const sent: Promise<unknown>[] = [];
      for (let time = from; time < to; time += 1_000) {
        const pack = [
          { bt: time / 1_000, n: "activePower", u: "W", v: (time / 1_000) % 3_000 },
          { n: "voltage", u: "V", v: 230.5 },
        ];
        sent.push(client.publishAsync(`${username}/x`, JSON.stringify(pack), { qos: 1 }));
      }
      await Promise.all(sent);
      await client.endAsync();
    }),
  );
}

/** `device quantity time value quality` of everything that the record holds. */
function recorded(): string[] {
  using reader = openRecordReader(join(folder, "data"));
  return [...reader.readings.since(instant(0))]
    .map(({ stream, time, value, quality }) => `${stream} ${time} ${value} ${quality}`)
    .sort();
}

async function inInflux(): Promise<string[]> {
  const rows = await influxd.query("village", "SELECT device, value, quality FROM activePower, voltage");
  return rows
    .map(({ name, values: { time, device, value, quality } }) => {
      const ms = BigInt(String(time)) / 1_000_000n;
      return `${device}/${name} ${ms} ${value} ${quality}`;
    })
    .sort();
}

function inCsv(): string[] {
  return globSync(join(folder, "data", "csv", "*", "*.csv*"))
    .flatMap((file) => {
      const device = file.split("/").at(-2);
      const bytes = readFileSync(file);
      const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
      return text
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => {
          const [time = "", quantity, , value, , quality] = line.split(",");
          return `${device}/${quantity} ${Date.parse(time)} ${value} ${quality}`;
        });
    })
    .sort();
}

describe.skipIf(missing)("with InfluxDB and CSV as sinks, the gateway", () => {
  it(
    "brings all of the record there once: a history, an outage, kills, and what is late",
    { timeout: 180_000 },
    async () => {
      const now = Math.floor(Date.now() / 1_000) * 1_000;
      const ago = (minutes: number): number => now - minutes * MINUTE_MS;
      writeSite({});
      await publish(await start(), ago(600), ago(590));
      await kill("SIGTERM");

      writeSite({ influxdb: { url: influxd.url, database: "village" }, csv: {} });
      let ports = await start();
      await expect
        .poll(async () => (await inInflux()).length, { timeout: 20_000, interval: 250 })
        .toBe(2_400);
      await publish(ports, ago(60), ago(50));
      await influxd.stop();
      await publish(ports, ago(50), ago(40));
      await kill("SIGKILL");
      ports = await start();
      await publish(ports, ago(40), ago(30));
      const health = await (await fetch(`http://127.0.0.1:${ports.portalPort}/health`)).json();
      expect(health).toMatchObject({ status: "ok", sinks: [{ name: "influxdb" }, { name: "csv" }] });
      await influxd.start();
      await publish(ports, ago(3_000), ago(2_990));
      await kill("SIGKILL");
      ports = await start();
      await publish(ports, ago(20), ago(15));

      const expected = recorded();
      expect(expected).toHaveLength(4 * 60 * (10 + 10 + 10 + 10 + 10 + 5));
      await expect
        .poll(async () => (await inInflux()).length, { timeout: 60_000, interval: 500 })
        .toBe(expected.length);
      expect(await inInflux()).toEqual(expected);
      await expect.poll(() => inCsv().length, { timeout: 60_000, interval: 500 }).toBe(expected.length);
      expect(inCsv()).toEqual(expected);
      await kill("SIGTERM");
      expect(existsSync(join(folder, "data", "csv", "state.json"))).toBe(true);
      expect(inCsv()).toEqual(expected);
    },
  );
});
