import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, it } from "vitest";
import { instant } from "../../../domain/model/index.ts";
import { ManualClock } from "../../../platform/clock.ts";
import { openLog } from "../../../platform/log.ts";
import { setDevicePasswords } from "../../acquire/device-passwords.ts";
import {
  openVillageBroker,
  type VillageBroker,
  type VillageBrokerOptions,
} from "../../acquire/village-broker.ts";
import { sinksSchema } from "../settings.ts";

/** The village's own broker with Home Assistant as a guest, and one meter. */
let folder: string;
let broker: VillageBroker | undefined;
let passwords: Record<string, string>;
const taken: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-guest-"));
  passwords = await setDevicePasswords(folder, ["meter-1", "home-assistant", "stranger"], randomBytes);
  taken.length = 0;
  broker = await openVillageBroker({
    site: {
      id: "kisasi",
      data: folder,
      devices: [{ id: "meter-1" }],
      broker: { host: "127.0.0.1", port: 0 },
      sinks: sinksSchema.parse({ homeAssistant: {} }),
    },
    acquisition: {
      topicOf: (device: string) => (device === "meter-1" ? "meter-1" : undefined),
      take: async ({ topic }: { topic: string }) => void taken.push(topic),
    },
    store: { stats: () => ({}) },
    clock: new ManualClock(instant(0)),
    entropy: (bytes: number) => randomBytes(bytes),
    log: openLog("test", { write: () => undefined }),
  } as unknown as VillageBrokerOptions);
});
afterEach(async () => {
  await broker?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const signIn = (username: string, password = passwords[username] ?? "") =>
  connectAsync(`mqtt://127.0.0.1:${broker?.port}`, { username, password, reconnectPeriod: 0 });

it.each([
  ["homeassistant/#", 0],
  ["fieldwatt/kisasi/meter-1/state", 0],
  ["meter-1/#", 128],
  ["#", 128],
])("Home Assistant that asks for %s is granted %d", async (filter, granted) => {
  const client = await signIn("home-assistant");
  const answer = await client.subscribeAsync(filter).catch((error: { message: string }) => error.message);
  await client.endAsync(true);
  if (granted === 0) expect(answer).toMatchObject([{ qos: 0 }]);
  else expect(answer).not.toMatchObject([{ qos: 0 }]);
});

it("Home Assistant's birth is heard and is no reading", async () => {
  const client = await signIn("home-assistant");
  await client.publishAsync("homeassistant/status", "online", { qos: 1 });
  await client.endAsync();
  expect(broker?.homeAssistant?.epoch()).toBe(1);
  expect(taken).toEqual([]);
});

it("Home Assistant may not speak for a device, and a device not to Home Assistant", async () => {
  const client = await signIn("home-assistant");
  void client.publishAsync("meter-1/status", "1", { qos: 1 }).catch(() => undefined);
  await expect.poll(() => client.connected).toBe(false);
  const meter = await signIn("meter-1");
  void meter.publishAsync("homeassistant/sensor/x/config", "{}", { qos: 1 }).catch(() => undefined);
  await expect.poll(() => meter.connected).toBe(false);
  await Promise.all([client.endAsync(true), meter.endAsync(true)]);
  expect(taken).toEqual([]);
});

it.each([
  ["a wrong password", "home-assistant", "wrong"],
  ["a name that is neither a device's nor Home Assistant's", "stranger", undefined],
])("lets nobody in with %s", async (_, user, password) => {
  await expect(signIn(user, password)).rejects.toThrow();
});
