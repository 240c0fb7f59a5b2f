import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect as openSocket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startGateway, writeSite, type BenchSite } from "../../bench/support/gateway.ts";
import { freePort } from "../../cli/demo/ports.ts";
import { instant } from "../../domain/model/index.ts";
import { openExternalBroker } from "../../gateway/acquire/external-broker.ts";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { loadSite } from "../../gateway/site/load.ts";
import { openLog } from "../../platform/log.ts";
import { runDevice } from "../support/terminal.ts";

/** A Mosquitto as a village would run it: passwords, an ACL, and sessions that survive its own restart. */
const binary = ["/usr/sbin/mosquitto", "mosquitto"].find(
  (name) => spawnSync(name, ["-h"]).error === undefined,
);
if (binary === undefined && process.env["CI"])
  throw new Error("mosquitto is missing: apt-get install mosquitto mosquitto-clients");

const METER_PASSWORD = "kilowatt";
let folder: string;
let port: number;
let mosquitto: ChildProcess | undefined;
let site: BenchSite;

async function startMosquitto(): Promise<void> {
  mosquitto = spawn(binary ?? "", ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
  await expect.poll(answers, { timeout: 5_000 }).toBe(true);
}

const answers = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = openSocket(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });

async function stopMosquitto(): Promise<void> {
  const gone = mosquitto && once(mosquitto, "exit");
  mosquitto?.kill("SIGTERM");
  await gone;
  mosquitto = undefined;
}

beforeEach(async () => {
  if (binary === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
  port = await freePort();
  const at = (name: string): string => join(folder, name);
  for (const [user, password] of [
    ["meter-1", METER_PASSWORD],
    ["fieldwatt", "gateway-secret"],
  ] as const)
    spawnSync("mosquitto_passwd", [
      "-b",
      ...(user === "meter-1" ? ["-c"] : []),
      at("passwords"),
      user,
      password,
    ]);
  await writeFile(
    at("acl"),
    "user meter-1\ntopic readwrite meter-1/#\nuser fieldwatt\ntopic read meter-1/#\ntopic read meter-1\n",
  );
  const lines = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous false",
    `password_file ${at("passwords")}`,
    `acl_file ${at("acl")}`,
    "persistence true",
    `persistence_location ${folder}/`,
    "log_dest none",
    // Debian starts it as root and it would become the user mosquitto, who cannot read this folder.
    `user ${process.env["USER"] ?? "root"}`,
  ];
  await writeFile(at("mosquitto.conf"), `${lines.join("\n")}\n`);
  await writeFile(at("broker-password"), "gateway-secret\n");
  site = await writeSite(folder, 1);
  const { broker: _, ...others } = JSON.parse(await readFile(site.file, "utf8")) as Record<string, unknown>;
  const externalBroker = {
    url: `mqtt://127.0.0.1:${port}`,
    user: "fieldwatt",
    passwordFile: "broker-password",
  };
  await writeFile(site.file, JSON.stringify({ ...others, externalBroker }));
  await startMosquitto();
});

afterEach(async () => {
  if (binary === undefined) return;
  await stopMosquitto();
  await rm(folder, { recursive: true });
});

const connectMeter = () =>
  connectAsync(`mqtt://127.0.0.1:${port}`, { username: "meter-1", password: METER_PASSWORD });

/** Publishes the numbers as power of the meter; resolves when Mosquitto has acknowledged all. */
async function publish(from: number, to: number): Promise<void> {
  const meter = await connectMeter();
  for (let apower = from; apower <= to; apower++)
    await meter.publishAsync("meter-1/status/switch:0", JSON.stringify({ id: 0, apower }), { qos: 1 });
  await meter.endAsync();
}

function kept(): number[] {
  using record = openRecordReader(dirname(site.record));
  const readings = [...record.readings.since(instant(0))];
  return [...new Set(readings.map(({ value }) => value))].toSorted((a, b) => a - b);
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

describe.skipIf(binary === undefined)("with Mosquitto as the village's broker, the gateway", () => {
  it("keeps what is published, also what came while it was away and Mosquitto was started anew", async () => {
    {
      await using _gateway = await startGateway(site, join(folder, "log"));
      // Its sessions exist once it has heard something.
      await expect.poll(async () => (await publish(1, 1), kept()), { timeout: 10_000 }).toEqual([1]);
      await publish(2, 40);
      await expect.poll(kept, { timeout: 10_000 }).toEqual(upTo(40));
    }
    await publish(41, 80);
    await stopMosquitto();
    await startMosquitto();
    await publish(81, 100);
    expect(kept()).toEqual(upTo(40));
    await using _gateway = await startGateway(site, join(folder, "log"));
    await expect.poll(kept, { timeout: 10_000 }).toEqual(upTo(100));
  });

  it("starts without it, says so, and reads when it comes", async () => {
    await stopMosquitto();
    await using _gateway = await startGateway(site, join(folder, "log"));
    await expect
      .poll(() => readFile(join(folder, "log"), "utf8"))
      .toContain("the external broker is away; trying on");
    await startMosquitto();
    await expect.poll(async () => (await publish(1, 1), kept()), { timeout: 10_000 }).toEqual([1]);
  });

  it("lets device probe hear a device there, by the site file alone", async () => {
    const meter = await connectMeter();
    const timer = setInterval(
      () => void meter.publish("meter-1/status/switch:0", '{"id":0,"apower":8.9}'),
      50,
    );
    const { out, err } = await runDevice(
      "probe",
      "--site",
      site.file,
      "--device",
      "meter-1",
      "--json",
    ).finally(() => clearInterval(timer));
    await meter.endAsync();
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({ readings: [{ quantity: "activePower", value: 8.9 }] });
  });

  it("acknowledges to it after the commit only: what it cannot keep comes again", async () => {
    const refused: string[] = [];
    const taken: string[] = [];
    const loaded = await loadSite(site.file);
    if (!loaded.externalBroker) throw new Error("the site file has no external broker");
    await using broker = await openExternalBroker({
      site: loaded,
      settings: loaded.externalBroker,
      log: openLog("test", { write: () => undefined }),
      deliver: async ({ payload }) => {
        const text = Buffer.from(payload).toString();
        if (!refused.includes(text)) {
          refused.push(text);
          throw new Error("the disk is full");
        }
        taken.push(text);
      },
    });
    await expect.poll(() => broker.state().up, { timeout: 10_000 }).toBe(true);
    const meter = await connectMeter();
    await expect
      .poll(async () => (await meter.publishAsync("meter-1/a", "first", { qos: 1 }), taken.length), {
        timeout: 10_000,
      })
      .toBeGreaterThan(0);
    await meter.publishAsync("meter-1/a", "second", { qos: 1 });
    await expect.poll(() => taken, { timeout: 10_000 }).toContain("second");
    expect(refused).toEqual(["first", "second"]);
    await meter.endAsync();
  });
});
