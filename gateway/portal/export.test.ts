import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterAll, beforeAll, expect, it } from "vitest";
import { addMs, deviceId, streamId } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { EXPORTS_MAX } from "./export.ts";
import { createPortal } from "./portal.ts";

let folder: string;
let seeded: Seeded;
let app: Hono<SessionEnv>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-export-page-"));
  seeded = await openSeeded(folder);
  app = createPortal(seeded.options);
  const readings = ["house-01-grid", "house-02-grid"].flatMap((device, house) =>
    Array.from({ length: 20_000 }, (_, i) => ({
      stream: streamId(deviceId(device), "activePower"),
      time: addMs(NOW, -i * 1_000),
      value: house === 0 ? 111 : 222,
      quality: "ok" as const,
    })),
  );
  await seeded.store.append(readings);
});
afterAll(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const get = async (path: string, person: string, language = "en"): Promise<Response> => {
  const cookie = `fieldwatt-gateway=${seeded.accounts.openSession(person)}`;
  return app.request(`http://kijiji.local${path}`, { headers: { cookie, "accept-language": language } });
};
const day = "/api/export?from=2026-06-15&to=2026-06-15";

it("gives members every reading of their own devices, and none of another's", async () => {
  const answer = await get(day, "house-02");
  expect(answer.headers.get("content-disposition")).toBe(
    'attachment; filename="kijiji-house-02-2026-06-15-2026-06-15.csv"',
  );
  const [head, ...rows] = (await answer.text()).trimEnd().split("\n");
  expect(head).toMatch(/^time UTC,time Africa\/Nairobi,/);
  expect(rows).toHaveLength(20_000);
  expect(rows.every((row) => row.includes(",house-02-grid,activePower,,222,W,ok,"))).toBe(true);
  // 14:40 in Nairobi, UTC+3.
  expect(rows.at(-1)).toMatch(/^2026-06-15T11:40:00.000Z,2026-06-15T14:40:00.000\+03:00,/);
});

it("gives JSON lines, too", async () => {
  const answer = await get(`${day}&format=jsonl`, "house-01");
  expect(answer.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
  const [head = "", row = ""] = (await answer.text()).split("\n");
  expect(JSON.parse(head)).toMatchObject({ site: "kijiji", streams: [{ unit: "W" }] });
  expect(JSON.parse(row)).toMatchObject({ stream: "house-01-grid/activePower", value: 111 });
});

it.each([
  ["a day that is none", "?from=2026-02-30&to=2026-06-15"],
  ["no range", ""],
  ["another format", "?from=2026-06-15&to=2026-06-15&format=xlsx"],
])("refuses %s", async (_, query) => {
  expect((await get(`/api/export${query}`, "house-01")).status).toBe(400);
});

it("serves so many at a time, and the next when one is done or given up", async () => {
  const open = await Promise.all(Array.from({ length: EXPORTS_MAX }, () => get(day, "house-01")));
  expect((await get(day, "house-01")).status).toBe(503);
  await open[0]?.body?.cancel();
  const next = await get(day, "house-01");
  expect(next.status).toBe(200);
  for (const answer of [...open.slice(1), next]) await answer.text();
});

it("is a form on the member's page that needs no script, in both languages", async () => {
  const text = (await (await get("/", "house-01")).text()).replace(/\s+/g, " ");
  const form = /<form method="get" action="\/api\/export">.*?<\/form>/.exec(text)?.[0] ?? "";
  expect(form).toContain('name="from" value="2026-06-15"');
  expect(form).toMatch(/name="format" value="csv".*name="format" value="jsonl"/);
  expect(text).toContain("Take my readings with me");
  expect(await (await get("/", "house-01", "sw")).text()).toContain("Chukua vipimo vyangu");
});
