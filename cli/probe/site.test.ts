import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startGateway, writeSite, type BenchSite } from "../../bench/support/gateway.ts";
import { brokerAccess } from "../../gateway/acquire/broker-access.ts";
import { loadSite } from "../../gateway/site/load.ts";
import { runDevice } from "../../test/support/terminal.ts";

let folder = "";
let site: BenchSite;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-probe-"));
  site = await writeSite(folder, 2);
});
afterEach(() => rm(folder, { recursive: true }));

const STATUS = '{"id":0,"apower":8.9,"voltage":231.5}';

const probe = (device: string, timeout = "15") =>
  runDevice("probe", "--site", site.file, "--device", device, "--timeout", timeout, "--json");

const signIn = (port: number, { user, password }: { user: string; password: string }) =>
  connectAsync(`mqtt://127.0.0.1:${port}`, { username: user, password, reconnectPeriod: 0 });

describe("device probe of an MQTT device in a site file", () => {
  it("hears it on the gateway's own broker, while the gateway runs", async () => {
    await using gateway = await startGateway(site, join(folder, "log"));
    const [meter] = site.users;
    if (!meter) throw new Error("the site has a meter");
    const client = await signIn(gateway.brokerPort, meter);
    const timer = setInterval(() => void client.publish(meter.topic, STATUS), 50);
    const { out, err } = await probe(meter.user).finally(() => clearInterval(timer));
    await client.endAsync();
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({
      device: "shelly-energy",
      readings: expect.arrayContaining([
        expect.objectContaining({ quantity: "activePower", value: 8.9, unit: "W" }),
      ]) as unknown,
      problems: [],
    });
  });

  it("hears no other device, and may say nothing itself", async () => {
    await using gateway = await startGateway(site, join(folder, "log"));
    const [meter, other] = site.users;
    if (!meter || !other) throw new Error("the site has two meters");
    const client = await signIn(gateway.brokerPort, other);
    const timer = setInterval(() => void client.publish(other.topic, STATUS), 50);
    const { err, exitCode } = await probe(meter.user, "1").finally(() => clearInterval(timer));
    await client.endAsync();
    expect(err).toMatch(/nothing was heard of shelly-energy below meter-1 in 1 s/);
    expect(exitCode).toBe(1);

    const access = await brokerAccess(await loadSite(site.file));
    const reader = await signIn(gateway.brokerPort, access);
    const closed = new Promise<void>((resolve) => reader.once("close", () => resolve()));
    reader.publish(meter.topic, STATUS, { qos: 0 });
    await closed;
  });

  it("says what to do while the gateway does not run, also after it did", async () => {
    const away = /that does not run: fieldwatt gateway run --site .*site\.yaml/;
    expect((await probe("meter-1")).err).toMatch(away);
    {
      await using _gateway = await startGateway(site, join(folder, "log"));
      const secret = await stat(join(folder, "data", "broker-reader.json"));
      expect(secret.mode & 0o777).toBe(0o600);
    }
    const { err, exitCode } = await probe("meter-1");
    expect(err).toMatch(away);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(exitCode).toBe(1);
  });
});
