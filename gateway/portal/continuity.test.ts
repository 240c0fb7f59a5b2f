import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addMs, SLOT_MS, wattHours, type StreamId } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { chromiumIsMissing, coloursOfCurve, openBrowser, overflow } from "../../test/support/browser.ts";
import { MIDNIGHT, NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { createPortal, openPortal } from "./portal.ts";

const HOST = "http://kijiji.local";
let folder: string;
let seeded: Seeded;
let app: Hono<SessionEnv>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-continuity-"));
  seeded = await openSeeded(folder);
  await seed();
  app = createPortal(seeded.options);
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Twenty quarter hours of three meters, all but one known, and two events: a reset, and a roll-over. */
async function seed(): Promise<void> {
  const interval = (stream: string, i: number, wh: number) => ({
    stream: stream as StreamId,
    interval: {
      start: addMs(MIDNIGHT, (30 + i) * SLOT_MS),
      energy: wattHours(wh),
      provenance: "counted" as const,
    },
  });
  const intervals = Array.from({ length: 20 }, (_, i) => [
    interval("house-01-grid/activeEnergyImport", i, 20),
    interval("house-01-grid/activeEnergyExport", i, 30 + i),
    interval("house-01-roof/activeEnergyExport", i, 100 + 5 * i),
    ...(i === 7 ? [] : [interval("house-02-grid/activeEnergyImport", i, 55)]),
  ]).flat();
  const reading = (minute: number, register: number) => ({ time: addMs(NOW, minute * 60_000), register });
  const found = [
    {
      stream: "house-02-grid/activeEnergyImport" as StreamId,
      event: {
        kind: "reset" as const,
        before: reading(-60, 812_345),
        after: reading(-55, 12),
        proposed: 12,
      },
    },
    {
      stream: "house-01-grid/activeEnergyImport" as StreamId,
      event: {
        kind: "rollover" as const,
        before: reading(-90, 9_999_980),
        after: reading(-85, 5),
        proposed: 15,
      },
    },
  ];
  await seeded.store.run("saveSummaries", {
    intervals,
    summaries: [],
    progress: {},
    events: { now: NOW, found, looked: [] },
  });
}

const cookieFor = (person: string) => ({
  cookie: `fieldwatt-gateway=${seeded.accounts.openSession(person)}`,
});
const page = async (path: string, person = "mwalimu") =>
  (await (await app.request(HOST + path, { headers: cookieFor(person) })).text()).replace(/\s+/g, " ");
const post = (fields: Record<string, string>, person = "mwalimu") =>
  app.request(`${HOST}/operator/energy/1`, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { origin: HOST, ...cookieFor(person) },
  });
const events = async () => {
  const answer = await app.request(`${HOST}/api/energy/events`, { headers: cookieFor("mwalimu") });
  return (
    (await answer.json()) as { events: { id: number; state: string; effect: { wattHours: number } | null }[] }
  ).events;
};

describe("the village's balance", () => {
  it("adds up, and names the meter that leaves a quarter hour unknown", async () => {
    const answer = await app.request(`${HOST}/api/energy/village`, { headers: cookieFor("mwalimu") });
    const village = (await answer.json()) as Record<string, number> & { missing: { device: string }[] };
    // Nothing hangs under a feeder here, so that nobody knows what the wires lose; 19 known quarter hours of 20 + 55 Wh bought; 30 + i sold, 100 + 5 i made.
    const sum = (each: (i: number) => number) =>
      Array.from({ length: 20 }, (_, i) => (i === 7 ? 0 : each(i))).reduce((a, b) => a + b, 0);
    expect(village).toMatchObject({
      known: 19,
      import: sum(() => 75),
      export: sum((i) => 30 + i),
      production: sum((i) => 100 + 5 * i),
      consumption: sum((i) => 75 + 70 + 4 * i),
      losses: null,
    });
    expect(village.missing.map(({ device }) => device)).toContain("house-02-grid");
  });

  it.each(["/operator/energy", "/api/energy/events", "/api/energy/village"])(
    "%s is for the operator",
    async (path) => {
      const answer = await app.request(HOST + path, { headers: cookieFor("house-01") });
      expect(answer.status).toBe(403);
    },
  );
});

describe("a counter's event", () => {
  it("waits on the page, with what it would count, and the operator's page counts those that wait", async () => {
    const text = await page("/operator/energy");
    expect(text).toContain("house-02-grid activeEnergyImport was reset");
    expect(text).toContain("It is so: count 12 Wh");
    expect(text).toContain("812.345 kWh at");
    expect(await page("/operator")).toContain("1 wait for you");
    expect(await events()).toMatchObject([
      { id: 1, state: "open", effect: null },
      { id: 2, state: "counted", effect: { wattHours: 15 } },
    ]);
  });

  it("is previewed without a change, corrected, and taken back; the ledger keeps every line", async () => {
    // 812.345 to 812.360 kWh on the old register, 0 to 12 Wh on the new one.
    const fields = { oldEnd: "812.36", newStart: "0", energy: "" };
    const text = (await (await post({ ...fields, do: "preview" })).text()).replace(/\s+/g, " ");
    expect(text).toContain("That is 27 Wh between the two readings. Nothing is changed yet.");
    expect((await events())[0]).toMatchObject({ state: "open" });
    expect((await post({ ...fields, do: "correct" })).status).toBe(303);
    expect((await events()).find(({ id }) => id === 1)).toMatchObject({
      state: "settled",
      effect: { wattHours: 27 },
    });
    await post({ do: "undo" });
    expect((await events())[0]).toMatchObject({
      state: "open",
      effect: null,
      entries: [
        { by: "mwalimu", says: "correct", effect: 27 },
        { by: "mwalimu", says: "undo", effect: null },
      ],
    });
  });

  it.each([
    [{ oldEnd: "812.3", newStart: "0" }, "below its last reading"],
    [{ oldEnd: "", newStart: "0" }, "Fill in both registers"],
    [{ energy: "-3" }, "not below 0"],
  ])("is not settled by %j", async (fields, why) => {
    const text = await (await post({ ...fields, do: "correct" })).text();
    expect(text).toContain(why);
    expect((await events())[0]).toMatchObject({ state: "open", entries: [] });
  });

  it("is previewed and settled by the API, too", async () => {
    const say = (body: object) =>
      app.request(`${HOST}/api/energy/events/1`, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { origin: HOST, "content-type": "application/json", ...cookieFor("mwalimu") },
      });
    expect(await (await say({ says: "confirm", preview: true })).json()).toMatchObject({
      event: { state: "open" },
      effect: { wattHours: 12 },
    });
    expect(await (await say({ says: "confirm" })).json()).toMatchObject({ event: { state: "settled" } });
    expect((await say({ says: "undo" })).status).toBe(200);
    expect((await say({ says: "undo" })).status).toBe(400);
  });
});

describe.skipIf(chromiumIsMissing())("the page in a browser", () => {
  it("fits a phone and a desk, and draws the village's day", { timeout: 120_000 }, async () => {
    const images = process.env.FIELDWATT_IMAGES ?? folder;
    mkdirSync(images, { recursive: true });
    await using portal = await openPortal({ ...seeded.options, host: "127.0.0.1", port: 0 });
    await using browser = await openBrowser();
    for (const [name, width] of [
      ["phone", 360],
      ["desktop", 1280],
    ] as const) {
      await using visit = await browser.visit({ viewport: { width, height: 900 } });
      const url = new URL("/operator/energy", portal.url);
      const [cookie = "", value = ""] = cookieFor("mwalimu").cookie.split("=");
      await visit.page.context().addCookies([{ name: cookie, value, url: url.href }]);
      await visit.page.goto(url.href);
      await visit.page.getByText("It is something else").first().click();
      expect([name, await overflow(visit.page)]).toEqual([name, 0]);
      expect(await coloursOfCurve(visit.page)).toBeGreaterThan(10);
      await visit.page.screenshot({ path: join(images, `energy-${name}.png`), fullPage: true });
      expect(visit.complaints).toEqual([]);
    }
  });
});
