import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SessionEnv } from "../../platform/web/index.ts";
import { openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { createPortal } from "./portal.ts";

/** Who gets what: one village for all rows, because nothing here changes it. */
let folder: string;
let seeded: Seeded;
let app: Hono<SessionEnv>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-access-"));
  seeded = await openSeeded(folder);
  app = createPortal(seeded.options);
});
afterAll(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, person?: string) => {
  const cookie = person === undefined ? "" : `fieldwatt-gateway=${seeded.accounts.openSession(person)}`;
  return app.request(`http://kijiji.local${path}`, { headers: { cookie } });
};

const member = { nobody: 401, "house-01": 200, "house-02": 200, mwalimu: 403 };
const operator = { nobody: 401, "house-01": 403, "house-02": 403, mwalimu: 200 };
const open = { nobody: 200, "house-01": 200, "house-02": 200, mwalimu: 200 };
const matrix = {
  "/": { nobody: 303, "house-01": 200, "house-02": 200, mwalimu: 303 },
  "/operator": { ...operator, nobody: 303 },
  "/api/balance": member,
  "/api/intervals": member,
  "/api/live": member,
  "/api/releases": member,
  "/api/answers": member,
  "/api/offers": member,
  "/api/alerts": member,
  "/sharing": { ...member, nobody: 303 },
  "/sharing/trading": { ...member, nobody: 303 },
  "/receipts/1": { ...member, nobody: 303, "house-02": 303 },
  "/api/offers/odrl": member,
  "/api/consents": member,
  "/api/consents/1/receipt": { ...member, "house-02": 404 },
  "/left": { ...member, nobody: 303 },
  "/check": open,
  "/api/releases/month?month=2026-06": member,
  "/api/releases/1/proof": { ...member, "house-02": 404 },
  "/api/export?from=2026-06-14&to=2026-06-15": member,
  "/api/farm": member,
  "/api/erasures": member,
  "/forgetting": { ...member, nobody: 303 },
  "/forgetting/home": { ...member, nobody: 303 },
  "/votes": { ...member, nobody: 303 },
  "/operator/votes": { ...operator, nobody: 303 },
  "/log/checkpoint": open,
  "/api/devices": operator,
  "/api/energy/events": operator,
  "/api/energy/village": operator,
  "/api/openapi.json": open,
  "/health": open,
  "/metrics": { nobody: 403, "house-01": 403, "house-02": 403, mwalimu: 200 },
};
/** Routes that change something: their own tests say who may. */
const writing = ["/api/energy/events/{id}", "/api/consents/{offer}", "/api/alerts/{id}"];
const rows = Object.entries(matrix).flatMap(([path, who]) =>
  Object.entries(who).map(([person, status]) => ({ path, person, status })),
);
it.each(rows)("$person gets $status from $path", async ({ path, person, status }) => {
  const answer = await get(path, person === "nobody" ? undefined : person);
  expect(answer.status).toBe(status);
  await answer.body?.cancel();
});

it.each(["/", "/api/balance", "/api/intervals", "/api/releases", "/api/answers", "/api/offers", "/left"])(
  "%s of one member holds nothing of another",
  async (path) => {
    const text = await (await get(path, "house-02")).text();
    // Of house-01: its name, its pseudonym, its devices.
    expect(text).not.toMatch(/Wanjiru|house-01|aaaaaaaa/);
  },
);

it("names every route of the API but itself in the OpenAPI document", async () => {
  const document = JSON.parse(await (await get("/api/openapi.json")).text());
  expect(document.openapi).toBe("3.1.0");
  const expected = Object.keys(matrix)
    .map((path) =>
      (path.split("?", 1)[0] ?? path).replace(/^(\/api\/\w+)\/1\//, (_, at) =>
        at === "/api/releases" ? `${at}/{sequence}/` : `${at}/{id}/`,
      ),
    )
    .filter((path) => /^\/(api|health)/.test(path) && path !== "/api/openapi.json");
  expect(Object.keys(document.paths).sort()).toEqual([...expected, ...writing].sort());
});
