import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addMs, instant } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { openWebServer, type WebServer } from "../../platform/web/index.ts";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { egressLogName } from "../../protocol/egress-leaf.ts";
import { generateKeyPair, publicKeyToText, type KeyPair } from "../../protocol/keys.ts";
import { ED25519, COSIGNATURE } from "../../protocol/note.ts";
import { addCheckpointToText } from "../../protocol/witness-request.ts";
import { siteWith } from "../../test/support/site.ts";
import { logRoutes } from "../portal/log-api.ts";
import { openRecord } from "../record/open.ts";
import type { RecordStore } from "../record/store.ts";
import { consistencyIn, lastHead, logSigner, signHead, witnessedSize } from "../release/egress-log.ts";
import { siteSchema } from "../site/schema.ts";
import { createWitnessed } from "./witnessed.ts";
import { watchedLogs, witnessStates } from "./witness-state.ts";
import { openWitnesses } from "./witnesses.ts";

/** Two gateways over real HTTP: the one's log of what left, and the other as its witness. */
const START = instant(Date.UTC(2026, 5, 15));
const log = openLog("test", { write: () => undefined });
const [kisasi, kibwezi] = [generateKeyPair(), generateKeyPair()];

let folder: string;
let clock: ManualClock;
let own: RecordStore;
let other: RecordStore;
let server: WebServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-witness-"));
  clock = new ManualClock(START);
  own = await openRecord({ path: join(folder, "own", "record.sqlite") });
  other = await openRecord({ path: join(folder, "other", "record.sqlite") });
  server = await serve(0);
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  for (const store of [own, other]) await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function serve(port: number): Promise<WebServer> {
  const site = {
    ...siteSchema.parse({ ...siteWith([]), ...village }),
    file: "",
  };
  const identity = { keys: kibwezi, secret: Buffer.alloc(32) };
  return openWebServer({ app: logRoutes({ site, store: other, identity, clock }), host: "127.0.0.1", port });
}
const village = {
  id: "kibwezi",
  devices: [
    {
      ...{ id: "m", device: "eastron-sdm120", mounting: "grid" },
      connection: { kind: "modbus-tcp", host: "127.0.0.1" },
    },
  ],
  witnessFor: [{ id: "kisasi", publicKey: publicKeyToText(kisasi.publicKey) }],
};

/** Releases, and a signed head over them. */
async function release(store: RecordStore, names: readonly string[], keys: KeyPair = kisasi): Promise<void> {
  const before = lastHead(store.read)?.size ?? 0;
  const numbers = names.map((_, i) => before + i + 1);
  const summaries = numbers.map((i) => ({
    key: String(i),
    time: i,
    summary: { kind: "x", member: "m" } as never,
  }));
  await store.run("saveSummaries", { intervals: [], progress: {}, summaries });
  const passed = names.map((name, i) => ({
    ...{ summaryId: before + i + 1, member: "m", subject: "s".repeat(32), recipient: "hub", released: START },
    item: { offer: "o", purpose: "dpv:X", policyVersion: 1, summary: { kind: name } } as never,
    leaf: {
      ...{ version: 1 as const, offer: "o", policy: "", recipient: "hub", members: [] },
      window: { from: 0, to: 1 },
    },
  }));
  await store.run("release", { passed, denied: [], completeThrough: 1 });
  const head = signHead(store.read, logSigner("kisasi", keys));
  if (head) await store.run("saveHead", { ...head, signed: START });
}

const ask = (port = server.port, store = own) =>
  openWitnesses({
    ...{ gateway: "kisasi", ownKey: kisasi.publicKey, store, clock, log },
    witnesses: [{ id: "kibwezi", url: `http://127.0.0.1:${port}/witness/`, key: kibwezi.publicKey }],
  });
const state = (store = own) => witnessStates(store.read, ["kibwezi"])[0];

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 800 && !what(); i++) await wait(25);
  expect(what()).toBe(true);
}

describe("a neighbour's gateway", () => {
  it("cosigns each head that only grew, and its line holds", async () => {
    await release(own, ["a", "b", "c"]);
    await using witnesses = ask();
    await until(() => state()?.size === 3);
    await release(own, ["d"]);
    witnesses.nudge();
    await until(() => state()?.size === 4);
    const { origin, size, evidence } = watchedLogs(other.read)[0] ?? {};
    expect({ origin, size, evidence }).toEqual({ origin: "fieldwatt/kisasi/egress", size: 4, evidence: [] });

    const note = await (await fetch(`http://127.0.0.1:${server.port}/log/checkpoint`)).text();
    expect(note).toBe("Nothing has left yet.\n");
    const row = own.read.prepare("SELECT line FROM egress_cosignature WHERE size = 4").get();
    const keys = {
      log: { name: egressLogName("kisasi"), type: ED25519, publicKey: kisasi.publicKey },
      witnesses: [{ name: "kibwezi", type: COSIGNATURE, publicKey: kibwezi.publicKey }],
    } as const;
    const cosigned = openCheckpoint(`${lastHead(own.read)?.note}${String(row?.line)}`, keys);
    expect(cosigned.witnessed.map(({ time }) => time)).toEqual([START]);
  });

  it("is told again how far it is, when this gateway does not know", async () => {
    await release(own, ["a", "b"]);
    {
      await using _first = ask();
      await until(() => state()?.size === 2);
    }
    await own[Symbol.asyncDispose]();
    own = await openRecord({ path: join(folder, "again", "record.sqlite") });
    await release(own, ["a", "b", "c"]);
    await using _second = ask();
    await until(() => state()?.size === 3);
    expect(watchedLogs(other.read)[0]?.evidence).toEqual([]);
  });

  it.each<[string, readonly string[], string, boolean]>([
    ["with as many releases", ["a", "x", "c"], "it cosigned another head over 3 releases", true],
    ["that grew", ["a", "x", "c", "d"], "what it saw is not the beginning of this log", false],
    ["with fewer releases", ["a"], "it has seen 3 releases, and there are 1 here", false],
  ])("refuses a log that was rewritten, %s, and both sides say so", async (_what, names, because, proven) => {
    await release(own, ["a", "b", "c"]);
    {
      await using _first = ask();
      await until(() => state()?.size === 3);
    }
    const rewritten = await openRecord({ path: join(folder, "rewritten", "record.sqlite") });
    try {
      await release(rewritten, names);
      await using _second = ask(server.port, rewritten);
      await until(() => state(rewritten)?.refusal !== undefined);
      expect(state(rewritten)?.refusal?.because).toContain(because);
    } finally {
      await rewritten[Symbol.asyncDispose]();
    }
    const [watched] = watchedLogs(other.read);
    expect(watched?.size).toBe(3);
    expect(watched?.evidence.map((one) => one.proven)).toEqual(names.length < 3 ? [] : [proven]);
  });

  it("that was away is asked again, and nothing else waits for it", async () => {
    await server[Symbol.asyncDispose]();
    await release(own, ["a"]);
    await using _witnesses = ask();
    await wait(200);
    expect(witnessedSize(own.read, "kibwezi")).toBe(0);
    server = await serve(server.port);
    await until(() => state()?.size === 1);
  });
});

describe("the request add-checkpoint (c2sp.org/tlog-witness)", () => {
  const post = async (body: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}/witness/add-checkpoint`, {
      method: "POST",
      body,
    });
    return [response.status, await response.text(), response.headers.get("content-type")] as const;
  };
  const request = (old: number, proof = consistencyIn(own.read, old, lastHead(own.read)?.size ?? 0)) =>
    addCheckpointToText({ old, proof, checkpoint: lastHead(own.read)?.note ?? "" });

  beforeEach(() => release(own, ["a", "b", "c"]));

  it("is answered with one signature line", async () => {
    expect(await post(request(0))).toEqual([200, expect.stringMatching(/^— kibwezi \S+\n$/), "text/plain"]);
  });

  it("is answered 409 with the known size, as text/x.tlog.size, where the old size is another", async () => {
    await post(request(0));
    expect(await post(request(2))).toEqual([409, "3\n", "text/x.tlog.size"]);
    expect((await post(request(3)))[0]).toBe(200);
  });

  // In one test, because each refusal leaves everything as it was, and two records are slow to open.
  it("is refused, each fault by the number that the standard gives it, and nothing is kept", async () => {
    const faults: readonly [string, number, () => string][] = [
      ["an old size above the checkpoint's", 400, () => request(4, [])],
      ["no request", 400, () => "hello"],
      ["a proof with an empty old tree", 422, () => request(0, [Buffer.alloc(32)])],
      ["an unknown log", 404, () => request(0).replaceAll("kisasi", "elsewhere")],
      [
        "a signature of another key",
        403,
        () =>
          request(0).replace(/(— \S+ \S{20})./, (all, a: string) => `${a}${all.endsWith("A") ? "B" : "A"}`),
      ],
    ];
    for (const [what, status, body] of faults)
      expect([what, (await post(body()))[0]]).toEqual([what, status]);
    expect(watchedLogs(other.read)).toEqual([]);
  });

  it("is refused while the time is not trusted: a signature says when", async () => {
    clock.trust(false);
    expect((await post(request(0)))[0]).toBe(503);
    clock.trust(true);
  });

  it("is answered once where two come at the same time", async () => {
    const answers = await Promise.all([post(request(0)), post(request(0))]);
    expect(answers.map(([status]) => status).toSorted()).toEqual([200, 409]);
  });

  it("takes a doubt back when the same head comes with its proof", async () => {
    await post(request(0));
    await release(own, ["d", "e"]);
    await clock.advance(1000);
    expect((await post(request(3, [Buffer.alloc(32)])))[0]).toBe(422);
    expect(watchedLogs(other.read)[0]?.evidence).toMatchObject([{ proven: false, seen: addMs(START, 1000) }]);
    expect((await post(request(3)))[0]).toBe(200);
    expect(watchedLogs(other.read)[0]?.evidence).toEqual([]);
  });
});

describe("the hub, as a witness", () => {
  const heard = async (reply: { size: number; because: string }) => {
    await release(own, ["a", "b", "c"]);
    const witnessed = createWitnessed({
      ...{ store: own, gateway: "kisasi", hub: "kibwezi", clock, log },
      ...{ ownKey: kisasi.publicKey, hubKey: kibwezi.publicKey },
    });
    expect(witnessed.next()).toMatchObject({ from: 0 });
    await witnessed.heard(reply);
    return state()?.refusal;
  };

  it("that does not cosign is kept with its reason", async () => {
    expect(await heard({ size: 7, because: "the log had 7 leaves and now has 3" })).toEqual({
      ...{ because: "the log had 7 leaves and now has 3", since: START },
    });
  });

  it("that only knows another size than was thought is no refusal", async () => {
    expect(await heard({ size: 2, because: "the proof begins at 0 leaves" })).toBeUndefined();
  });
});
