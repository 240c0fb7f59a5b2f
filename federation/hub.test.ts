import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { instant } from "../domain/model/index.ts";
import { ManualClock } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { canonicalJson } from "../protocol/canonical.ts";
import { generateKeyPair, sha256Hex } from "../protocol/keys.ts";
import { topics } from "../protocol/messages.ts";
import { batch, energy, item, MIDNIGHT, SLOT, subject, uccle } from "../test/support/hub.ts";
import { putPglite, temporaryFolder } from "../test/support/pglite-folder.ts";
import { enrolled, hubFileOf, WireGateway } from "../test/support/wire-gateway.ts";
import { loadHubConfig, type HubConfig } from "./hub-file.ts";
import { runHub, type HubReady } from "./main.ts";

const folder = temporaryFolder("hub-run");
const gateways = { north: enrolled("north"), south: enrolled("south") };
const clock = new ManualClock(instant(MIDNIGHT));
/** Different bytes at each call, the same in each run. */
let calls = 0;
const entropy = (bytes: number) => Buffer.alloc(bytes, ++calls);

interface RunningHub extends AsyncDisposable {
  readonly ready: HubReady;
  readonly logged: string[];
}

async function startHub(config: HubConfig): Promise<RunningHub> {
  const stop = new AbortController();
  const logged: string[] = [];
  const log = openLog("hub", { write: (line) => void logged.push(line) });
  const { promise: ready, resolve, reject } = Promise.withResolvers<HubReady>();
  const running = runHub({
    config,
    clock,
    entropy,
    wallNow: () => Date.now(),
    log,
    signal: stop.signal,
    onReady: resolve,
  });
  running.catch(reject);
  return {
    ready: await ready,
    logged,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

let config: HubConfig;
let hub: RunningHub;
const opened: AsyncDisposable[] = [];
const connect = async (name: keyof typeof gateways) => {
  const gateway = await WireGateway.connect(gateways[name], hub.ready);
  opened.push(gateway);
  return gateway;
};
beforeAll(async () => {
  writeFileSync(join(folder.path, "hub.yaml"), hubFileOf(Object.values(gateways)));
  config = await loadHubConfig(join(folder.path, "hub.yaml"));
  await putPglite(config.data);
  hub = await startHub(config);
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder.remove();
});

const told = (sequence: number, slot: number, amounts: { imported?: number; exported?: number }) =>
  item(sequence, energy(subject(sequence), MIDNIGHT + slot * SLOT, amounts));
const digestOf = (value: unknown) => sha256Hex(canonicalJson(value));
const through = (slots: number) => ({ completeThrough: MIDNIGHT + slots * SLOT });

// These follow one another, as the days of a hub do.
describe("a hub on the wire", () => {
  const [first, third] = [told(1, 0, { imported: 1500 }), told(3, 0, { imported: 500 })];

  it("answers a batch with a signed receipt that names what is missing", async () => {
    const north = await connect("north");
    expect(await north.exchange(batch([first, third]))).toEqual({
      kind: "receipt",
      received: [first, third].map((one) => ({ sequence: one.sequence, digest: digestOf(one) })),
      gaps: [[2, 2]],
    });
  });

  it("takes a message with a wrong signature off the wire, and never says that it has it", async () => {
    const north = await connect("north");
    await north.send(batch([told(2, 0, { imported: 9999 })]), generateKeyPair().privateKey);
    expect(await north.exchange(batch([]))).toEqual({ kind: "receipt", received: [], gaps: [[2, 2]] });
    expect(hub.logged.join()).toContain('"fault":"SIGNATURE_INVALID"');
  });

  it("has each item once after it was restarted in the middle and the gateway sent all again", async () => {
    const { publicKey } = hub.ready;
    await hub[Symbol.asyncDispose]();
    hub = await startHub(config);
    expect(hub.ready.publicKey).toBe(publicKey);
    const north = await connect("north");
    const second = told(2, 0, { imported: 1000 });
    const { received, gaps } = await north.exchange(batch([first, second, third], through(1)));
    expect(received.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(gaps).toEqual([]);
    const { answers } = await north.next("answers");
    // By hand: no supply, so that all pay the grid 30 000 a kWh; each item counts once.
    expect(
      answers.map(({ sequence, answer }) => [
        sequence,
        "subject" in answer && answer.subject,
        "paid" in answer && answer.paid,
      ]),
    ).toEqual([
      [1, subject(1), 45_000],
      [2, subject(2), 30_000],
      [3, subject(3), 15_000],
    ]);
  });

  it("clears with a second gateway, and tells the first, which only listens, without being asked", async () => {
    const [north, south] = [await connect("north"), await connect("south")];
    await north.exchange(batch([told(4, 1, { imported: 1000 })], { ...through(2), answersThrough: 3 }));
    await north.next("answers");
    await south.exchange(batch([], through(1)));
    await north.exchange(batch([told(5, 2, { imported: 1000 })], { ...through(3), answersThrough: 4 }));
    await south.exchange(batch([told(1, 2, { exported: 1000 })], through(3)));
    const common = { kind: "clearing", slot: MIDNIGHT + 2 * SLOT, twiceMid: 40_000 };
    // By hand: 1 kWh at the mid of 30 000 and 10 000.
    expect((await north.next("answers")).answers).toMatchObject([
      { sequence: 5, answer: { ...common, boughtWh: 1000, fromVillageWh: 1000, paid: 20_000, received: 0 } },
    ]);
    expect((await south.next("answers")).answers).toMatchObject([
      { sequence: 1, answer: { ...common, soldWh: 1000, toVillageWh: 1000, paid: 0, received: 20_000 } },
    ]);
  });

  it("advises on a farm day", async () => {
    const south = await connect("south");
    await south.exchange(batch([item(2, uccle(subject(7)))], { ...through(3), answersThrough: 1 }));
    // FAO-56 Example 18.
    expect((await south.next("answers")).answers).toMatchObject([
      { sequence: 2, answer: { kind: "advice", referenceEvapotranspiration: 3.88, fallbacks: [] } },
    ]);
  });

  it("sends what is not acknowledged again after a restart", async () => {
    await hub[Symbol.asyncDispose]();
    hub = await startHub(config);
    const south = await connect("south");
    await south.exchange(batch([], { answersThrough: 1 }));
    expect((await south.next("answers")).answers.map(({ sequence }) => sequence)).toEqual([2]);
  });
});

describe("a hub lets nobody", () => {
  it.each([
    { who: "with a wrong password", username: "north", password: gateways.south.password },
    { who: "that is not enrolled", username: "east", password: "" },
    { who: "without a name", username: undefined, password: undefined },
  ])("in $who", async ({ username, password }) => {
    const credentials = {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    };
    const connecting = connectAsync(`mqtt://127.0.0.1:${hub.ready.mqttPort}`, {
      ...credentials,
      reconnectPeriod: 0,
      connectTimeout: 2000,
    });
    await expect(connecting).rejects.toThrow();
  });

  it("hear what is for another gateway", async () => {
    const north = await connect("north");
    const granted = await north.client
      .subscribeAsync(topics.down("south"), { qos: 1 })
      .catch(() => [{ qos: 128 }]);
    expect(granted.map(({ qos }) => qos)).toEqual([128]);
  });

  it("speak for another gateway", async () => {
    const north = await connect("north");
    const closed = new Promise((resolve) => north.client.once("close", () => resolve(undefined)));
    north.client.publish(topics.up("south"), "{}", { qos: 1 });
    await closed;
  });
});

describe("the operator's page", () => {
  const url = () => `http://127.0.0.1:${hub.ready.portalPort}`;

  it("is shown to nobody who has not signed in", async () => {
    const answer = await fetch(`${url()}/`, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/sign-in"]);
  });

  it("opens with the link of the data folder, once, and tells gateways, clearings and advice", async () => {
    const file = join(config.data, "operator-link");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const link = readFileSync(file, "utf8").trim();
    const signIn = () => fetch(link, { method: "POST", redirect: "manual", headers: { origin: url() } });
    const signedIn = await signIn();
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect(signedIn.status).toBe(303);
    const page = await (await fetch(`${url()}/`, { headers: { cookie } })).text();
    expect(page).toContain('data-gateway="north"');
    expect(page).toMatch(/KES 200\.00/);
    expect(page).toContain("3.88 mm");
    expect((await signIn()).status).toBe(403);
  });

  it("leaves the hub's key to its owner only", () => {
    expect(statSync(join(config.data, "hub.key")).mode & 0o777).toBe(0o600);
  });
});
