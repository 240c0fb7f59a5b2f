import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addMs } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { consentRecords } from "../release/consents.ts";
import { NOW, liveReadings, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { createPortal, openPortal } from "./portal.ts";

const HOST = "http://kijiji.local";
let folder: string;
let seeded: Seeded;
let app: Hono<SessionEnv>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-portal-"));
  seeded = await openSeeded(folder);
  app = createPortal(seeded.options);
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const cookieFor = (person: string) => ({
  cookie: `fieldwatt-gateway=${seeded.accounts.openSession(person)}`,
});
const get = (path: string, person?: string, headers: Record<string, string> = {}) =>
  app.request(HOST + path, { headers: { ...(person !== undefined && cookieFor(person)), ...headers } });
const post = (path: string, person: string, fields: Record<string, string> = {}) =>
  app.request(HOST + path, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { origin: HOST, ...cookieFor(person) },
  });
const page = async (path: string, person: string) =>
  (await (await get(path, person)).text()).replace(/\s+/g, " ");
const api = async (path: string, person: string) => JSON.parse(await (await get(path, person)).text());

describe("the balance of today", () => {
  it("adds up in the API, and says how much of the day is known", async () => {
    const { balance: b, known, over, since } = await api("/api/balance", "house-01");
    expect(b.import + b.production).toBe(b.consumption + b.export);
    // 14:40 is within the 59th quarter hour: 58 are over, 57 closed, 3 of them unknown.
    expect({ known, over, since }).toEqual({ known: 54, over: 58, since: NOW - (14 * 60 + 40) * 60_000 });
  });

  it("keeps unknown quarter hours unknown: null in the API, a word on the page, a gap in the curve", async () => {
    const { intervals } = await api("/api/intervals?day=2026-06-15", "house-01");
    expect(intervals).toHaveLength(58);
    const unknown = intervals.flatMap((one: { balance: unknown }, i: number) =>
      one.balance === null ? [i] : [],
    );
    expect(unknown).toEqual([36, 37, 38, 57]);
    const text = await page("/", "house-01");
    expect(text).toContain("54 of 58 quarter hours are known");
    expect(text.match(/colspan="2">unknown/g)).toHaveLength(4);
    // Two runs of known quarter hours: two moves of the pen.
    expect(/class="line-use" d="([^"]*)"/.exec(text)?.[1]?.match(/M/g)).toHaveLength(2);
  });

  it("of a day without a summary is unknown, not zero", async () => {
    const answer = await api("/api/balance?day=2026-06-01", "house-01");
    expect(answer).toMatchObject({ balance: null, known: 0, over: 96, since: null, selfSufficiency: null });
  });

  it.each(["yesterday", "2026-02-30", "2026-06-15'--"])("refuses the day %j", async (day) => {
    expect((await get(`/api/balance?day=${encodeURIComponent(day)}`, "house-01")).status).toBe(400);
  });
});

describe("power now", () => {
  const first = async (person: string) => {
    const answer = await get("/api/live", person);
    const reader = answer.body?.getReader();
    const text = new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    return JSON.parse(/data: (.*)/.exec(text)?.[1] ?? "");
  };

  it("is what comes from roof and grid together: 1430 W − 812 W sent = 618 W in use", async () => {
    expect(await first("house-01")).toMatchObject({
      using: 618,
      production: 1430,
      grid: -812,
      battery: null,
    });
    const text = await page("/", "house-01");
    expect(text).toMatch(/618 <small>W<\/small>/);
    expect(text).toMatch(/To the grid <\/dt>/);
  });

  it("is unknown when one meter of the house has not answered for five minutes", async () => {
    seeded.live.update(
      liveReadings(addMs(NOW, 60_000)).filter(({ stream }) => stream.startsWith("house-01-grid")),
    );
    Object.assign(seeded.options, { clock: new ManualClock(addMs(NOW, 5 * 60_000 + 1)) });
    app = createPortal(seeded.options);
    expect(await first("house-01")).toMatchObject({ using: null, production: null, grid: -812 });
    expect(await page("/", "house-01")).toMatch(/data-figure="using"[^>]*> unknown </);
  });
});

describe("sharing", () => {
  const shared = async (person: string) =>
    (await api("/api/offers", person)).offers.map((o: { id: string; shared: boolean }) => [o.id, o.shared]);

  it("is off until the member switches it on, and off again when they switch it off", async () => {
    expect(await shared("house-02")).toEqual([
      ["trading", false],
      ["field-advice", false],
    ]);
    await post("/offers/trading", "house-02", { share: "yes", policyVersion: "3" });
    expect(await shared("house-02")).toEqual([
      ["trading", true],
      ["field-advice", false],
    ]);
    expect(await shared("house-01")).toEqual([
      ["trading", true],
      ["field-advice", false],
    ]);
    await post("/offers/trading", "house-02", { share: "no", policyVersion: "3" });
    expect(await shared("house-02")).toEqual([
      ["trading", false],
      ["field-advice", false],
    ]);
  });

  it("keeps the consent with purpose, recipient, policy version and an end after a year", async () => {
    await post("/offers/field-advice", "house-02", { share: "yes", policyVersion: "3" });
    expect(consentRecords(seeded.store.read).filter(({ member }) => member === "house-02")).toEqual([
      {
        id: 2,
        member: "house-02",
        offer: "field-advice",
        purpose: "dpv:ServicePersonalisation",
        recipient: "hub",
        policyVersion: 3,
        policyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        limits: {},
        given: NOW,
        expires: NOW + 365 * 86_400_000,
      },
    ]);
  });

  it.each([
    ["another version of the policy", "trading", "2"],
    ["an offer that the policy does not have", "everything", "3"],
  ])("takes no yes for %s", async (_, offer, policyVersion) => {
    const answer = await post(`/offers/${offer}`, "house-02", { share: "yes", policyVersion });
    expect(await answer.text()).toContain("Read the offer again");
    expect(consentRecords(seeded.store.read).some(({ member }) => member === "house-02")).toBe(false);
  });

  it("shows every byte that left, and whether the hub signed for it", async () => {
    const { count, releases } = await api("/api/releases", "house-01");
    // Seven hours are 28 quarter hours, of which 3 are unknown.
    expect(count).toBe(25);
    expect(releases[0].received).toBeNull();
    expect(releases[1].received).toBe(NOW);
    const row = seeded.store.read.prepare("SELECT item FROM release ORDER BY sequence LIMIT 1").get();
    expect(releases.at(-1).item).toBe(row?.item);
    const text = await page("/", "house-01");
    expect(text).toContain("Sent today: 25. The newest 12 are shown.");
    expect(text).toContain(String(releases[0].item).replaceAll('"', "&quot;"));
  });
});

describe("answers of the hub", () => {
  it("show the day's trades and money: 6 × 61 Wh sold, 6 × KES 3.96 received", async () => {
    const text = await page("/", "house-01");
    expect(text).toMatch(/Sold to neighbours<\/dt> <dd class=""> 0\.366 <small>kWh/);
    expect(text).toMatch(/KES.?23\.76/);
  });

  it("show the last advice in plain words, with what stood in for a sensor", async () => {
    const text = await page("/", "house-01");
    expect(text).toContain("would have used 3.9 mm of water");
    expect(text).toContain("wind 2 m/s (FAO-56 p. 63)");
  });
});

describe("the operator", () => {
  it("makes a claim code that is shown once and works once", async () => {
    const answer = await post("/operator/members/house-02/claim-code", "mwalimu");
    const code = /data-claim-code>\s*([\w-]{9})/.exec(await answer.text())?.[1] ?? "";
    expect(await seeded.accounts.claim(code, "2468")).toMatchObject({
      kind: "signedIn",
      person: { id: "house-02" },
    });
    expect(await page("/operator", "mwalimu")).not.toContain(code);
  });

  it("makes none for who is no member, and a member makes none at all", async () => {
    expect((await post("/operator/members/nobody/claim-code", "mwalimu")).status).toBe(404);
    expect((await post("/operator/members/house-02/claim-code", "house-01")).status).toBe(403);
  });

  it("sees in words what is wrong with a device", async () => {
    const text = await page("/operator", "mwalimu");
    expect(text).toContain(
      "does not answer; tried again at growing intervals <small>no answer in 1000 ms</small>",
    );
    expect(text).toContain("Waiting to be sent: 2.");
  });

  it.each([
    ["which values are not believed, and why", "not counted, cannot be true: voltage l1"],
    ["that a device has no value", "not counted, the device says that it has no value: cellTemperature"],
    ["how often the broker fell over", "fell over and was started again: 1 ×."],
    ["who shares a client id", "Devices house-01-soil, house-02-pump use one client id, ESP_1A2B3C."],
    ["what is in quarantine", "house-02-pump</strong> <small>2 ×, last 15 Jun, 14:39</small>"],
    ["why, as text and never as markup", "no JSON: &lt;unexpected&gt; token 1<"],
  ])("sees %s", async (_what, words) => {
    expect(await page("/operator", "mwalimu")).toContain(words);
  });

  it("sees the newest of what is in quarantine, and that there is more", async () => {
    const text = await page("/operator", "mwalimu");
    expect(text.match(/no JSON: /g)).toHaveLength(10);
    expect(text).toContain("The newest 10 are shown.");
    const { broker, quarantine, devices } = await api("/api/devices", "mwalimu");
    expect(quarantine).toHaveLength(25);
    expect(quarantine[0]).toMatchObject({ device: "house-02-pump", time: NOW, times: 1 });
    expect(broker).toMatchObject({ up: true, restarts: 1 });
    expect(devices[1].doubtful).toEqual({ "voltage/l1": "implausible", cellTemperature: "sentinel" });
  });

  it.each([
    ["no broker", undefined, "none", /^(?!.*could not be taken)/],
    ["a broker that is being started again", false, "down", /class="any bad">Not running\./],
    ["a broker that could take every message", true, "up", /Running<.*None\. Every message could be taken\./],
  ])("is told of %s", async (_what, up, word, words) => {
    const state = () => ({ up: up === true, restarts: 0, sharedClientIds: [] });
    const broker = up === undefined ? undefined : { state, quarantined: () => [] };
    app = createPortal({ ...seeded.options, health: { ...seeded.options.health, broker: () => broker } });
    expect(await page("/operator", "mwalimu")).toMatch(words);
    expect(JSON.parse(await (await get("/health")).text())).toMatchObject({ broker: word });
  });
});

it("speaks Swahili to who chose it, whatever the browser says", async () => {
  expect(await page("/", "house-01")).toContain("Right now");
  await post("/language", "house-01", { language: "sw" });
  const text = await page("/", "house-01");
  expect(text).toContain('<html lang="sw">');
  expect(text).toContain("Sasa hivi");
});

it("tells its health without naming anybody", async () => {
  const answer = await get("/health");
  expect(JSON.parse(await answer.text())).toEqual({
    status: "ok",
    recordFailing: false,
    record: {
      state: "committing",
      fault: null,
      says: null,
      lastCommit: null,
      diskFree: expect.any(Number),
      journalBytes: 0,
      readingsHot: 0,
      blocks: 0,
      damagedBlocks: 0,
      damagedFrames: 0,
      lastBackup: null,
      restored: false,
    },
    policy: { version: null, hash: null, because: "the site file names no officers (governance:)" },
    clockTrusted: true,
    clock: {
      state: "trusted",
      since: NOW,
      source: "village",
      because: "the clock of a demo village",
      undated: 0,
    },
    devices: { ok: 2, all: 3 },
    hub: "connected",
    broker: "up",
    outbox: 2,
    sinks: [],
    // The hub has not cosigned any of the 26 releases of the seeded record.
    witnesses: [{ name: "hub", size: 0, of: 26, refuses: null }],
    contradictions: 0,
    forgetting: { open: 0, suspended: [] },
  });
});

it("says in its health and on the operator's page why nothing is kept, and what to do", async () => {
  const { store } = seeded.options;
  const stats = () => ({ ...store.stats(), failing: "ENOSPC", fault: "disk full" as const });
  app = createPortal({ ...seeded.options, store: { ...store, stats } });
  const answer = await get("/health");
  expect(answer.status).toBe(503);
  const { status, record } = JSON.parse(await answer.text());
  expect({ status, ...record }).toMatchObject({ status: "failing", state: "failing", fault: "disk full" });
  expect(record.says).toMatch(/^The disk is full\..*Make room/);
  expect(await page("/operator", "mwalimu")).toContain(record.says);
});

it("gives its metrics to this computer, but not through a proxy on it", async () => {
  await using server = await openPortal({ ...seeded.options, host: "127.0.0.1", port: 0 });
  expect(await (await fetch(`${server.url}/metrics`)).text()).toContain("fieldwatt_up 1");
  expect((await fetch(`${server.url}/metrics`, { headers: { "x-forwarded-for": "10.0.0.7" } })).status).toBe(
    403,
  );
});
