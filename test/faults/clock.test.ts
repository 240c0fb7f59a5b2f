import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { setDevicePasswords } from "../../gateway/acquire/device-passwords.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { eventually } from "../scenarios/kit.ts";
import { faketimeEnvironment, faketimeIsMissing, setFaketime } from "../support/faketime.ts";
import { siteWith } from "../support/site.ts";

/**
 * A gateway as it wakes on a Pi without a battery: its clock says 1970. What meters send meanwhile is acknowledged,
 * waits, and has its right time when the clock has been set; then the process is killed and starts again.
 */
const main = join(import.meta.dirname, "..", "..", "cli", "fieldwatt.mjs");
const METER = "meter-1";
/** Between two clocks of one machine: steps of 10 ms of the uptime, and the slewing of small differences. */
const SLACK_MS = 1_000;

interface Gateway extends AsyncDisposable {
  readonly portal: string;
  readonly brokerPort: number;
  kill(): Promise<void>;
}

async function startGateway(folder: string): Promise<Gateway> {
  const args = ["gateway", "run", "--site", join(folder, "site.yaml"), "--log", join(folder, "log")];
  const env = { ...process.env, ...faketimeEnvironment(join(folder, "faketime")) };
  const child = fork(main, args, { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const ready = await new Promise<{ portalPort: number; brokerPort: number }>((resolve, reject) => {
    child.on("message", (event: { event: string; portalPort: number; brokerPort: number }) => {
      if (event.event === "ready") resolve(event);
    });
    child.once("exit", (code) => reject(new Error(`the gateway ended with ${code}`)));
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null) child.kill(signal);
    await exit;
  };
  return {
    portal: `http://127.0.0.1:${ready.portalPort}`,
    brokerPort: ready.brokerPort,
    kill: () => end("SIGKILL"),
    [Symbol.asyncDispose]: () => end("SIGTERM"),
  };
}

interface Health {
  readonly state: string;
  readonly undated: number;
}
const clockOf = async ({ portal }: Gateway): Promise<Health> =>
  ((await (await fetch(`${portal}/health`)).json()) as { clock: Health }).clock;

/** Publishes one register a message; what the true time was before each and after its PUBACK. */
async function publish(gateway: Gateway, password: string, registers: readonly number[]) {
  const client = await connectAsync(`mqtt://127.0.0.1:${gateway.brokerPort}`, {
    clientId: METER,
    username: METER,
    password,
  });
  const spans: (readonly [number, number, number])[] = [];
  for (const register of registers) {
    const before = Date.now();
    const payload = JSON.stringify({ Time: "1970-01-01T00:00:10", ENERGY: { Total: register / 1000 } });
    await client.publishAsync(`devices/${METER}/tele/SENSOR`, payload, { qos: 1 });
    spans.push([register, before, Date.now()]);
  }
  await client.endAsync();
  return spans;
}

async function registersIn(
  folder: string,
): Promise<readonly { time: number; value: number; quality: string }[]> {
  await using store = await openRecord({ path: join(folder, "data", "record.sqlite") });
  const stream = streamId(deviceId(METER), "activeEnergyImport");
  return store.readings.between(stream, { from: instant(0), to: instant(Date.now() + 86_400_000) });
}

it.skipIf(faketimeIsMissing())(
  "starts in 1970, keeps what it acknowledges, and dates it right when the clock is set; a kill in between loses nothing",
  { timeout: 90_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "fieldwatt-clock-"));
    try {
      const connection = { kind: "mqtt", topic: `devices/${METER}` };
      const site = { ...siteWith([{ device: "tasmota-energy", connection }]), data: "data" };
      await writeFile(join(folder, "site.yaml"), stringify(site));
      await mkdir(join(folder, "data"));
      const passwords = await setDevicePasswords(join(folder, "data"), [METER], randomBytes);
      const password = passwords[METER] ?? "";
      const file = join(folder, "faketime");
      await setFaketime(file, 10 - Math.floor(Date.now() / 1000));

      const first = await startGateway(folder);
      const spans = [...(await publish(first, password, [1_000, 1_001]))];
      expect(await clockOf(first)).toMatchObject({ state: "unset", undated: 2 });
      await first.kill();

      await using second = await startGateway(folder);
      expect(await clockOf(second)).toMatchObject({ state: "unset", undated: 2 });
      spans.push(...(await publish(second, password, [1_002])));
      await setFaketime(file, 0);
      await eventually("a trusted clock", async () => (await clockOf(second)).state === "trusted", 30_000);
      await eventually("dated readings", async () => (await clockOf(second)).undated === 0, 30_000);
      spans.push(...(await publish(second, password, [1_003])));
      await second[Symbol.asyncDispose]();

      const kept = await registersIn(folder);
      expect(kept.map(({ value, quality }) => [value, quality])).toEqual([
        [1_000, "estimated"],
        [1_001, "estimated"],
        [1_002, "estimated"],
        [1_003, "ok"],
      ]);
      const wrong = kept.filter(({ time }, i) => {
        const [, before, after] = spans[i] ?? [0, 0, 0];
        return time < before - SLACK_MS || time > after + SLACK_MS;
      });
      expect(wrong).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
