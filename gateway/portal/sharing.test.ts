import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson } from "../../protocol/canonical.ts";
import { sealHolds } from "../../protocol/receipts/index.ts";
import { verifyEgressProof } from "../../protocol/egress-proof.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { logSigner } from "../release/egress-log.ts";
import { consentRecords } from "../release/consents.ts";
import { checkProof } from "./assets/egress-check.js";
import { createPortal } from "./portal.ts";

let folder: string;
let seeded: Seeded;
let app: Hono<SessionEnv>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-sharing-"));
  seeded = await openSeeded(folder);
  app = createPortal(seeded.options);
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const DAY_MS = 86_400_000;
const cookie = (person: string) => `fieldwatt-gateway=${seeded.accounts.openSession(person)}`;
const get = (path: string, person = "house-01") =>
  app.request(`http://kijiji.local${path}`, { headers: { cookie: cookie(person) } });
const post = (path: string, body: Record<string, string>, person = "house-01") =>
  app.request(`http://kijiji.local${path}`, {
    method: "POST",
    headers: { cookie: cookie(person), origin: "http://kijiji.local", host: "kijiji.local" },
    body: new URLSearchParams(body),
  });
const pageOf = async (path: string, person?: string) => (await get(path, person)).text();

describe("what a member shares", () => {
  it("is asked about first: who, why, how fine, how long, with an example", async () => {
    const text = await pageOf("/sharing/field-advice", "house-02");
    for (const words of ["advice made for you", "one figure each day", "90 days", "This one is made up"])
      expect(text).toContain(words);
    expect(consentRecords(seeded.store.read).some(({ member }) => member === "house-02")).toBe(false);
  });

  it("is shown by the member's own last bytes, where there are any", async () => {
    const row = seeded.store.read
      .prepare("SELECT item FROM release WHERE member = 'house-01' ORDER BY sequence DESC LIMIT 1")
      .get();
    const text = (await pageOf("/sharing/trading")).replaceAll("&quot;", '"');
    expect(text).toContain(String(row?.item));
    expect(text).toContain("your own last one");
  });

  it.each([
    ["30", 30],
    ["365", 365],
  ])("ends after the %s days that the member chose", async (days, kept) => {
    await post("/offers/field-advice", { share: "yes", policyVersion: "3", days });
    const last = consentRecords(seeded.store.read).at(-1);
    expect(last).toMatchObject({ offer: "field-advice", expires: NOW + kept * DAY_MS });
  });

  it.each(["0", "366", "-1", "1.5", "ever"])("is not given for %s days", async (days) => {
    await post("/offers/field-advice", { share: "yes", policyVersion: "3", days });
    expect(consentRecords(seeded.store.read).at(-1)?.offer).toBe("trading");
  });
});

describe("taking back", () => {
  it("drops what waits, says how much, and leaves it in the log", async () => {
    const answer = await post("/offers/trading", { share: "no" });
    expect(answer.headers.get("location")).toBe("/sharing?taken=trading&waiting=1");
    expect(
      seeded.store.read
        .prepare("SELECT count(*) AS n FROM outbox JOIN release USING (sequence) WHERE member = 'house-01'")
        .get(),
    ).toEqual({ n: 0 });
    expect(await pageOf("/left")).toContain("never sent: dropped here on");
    expect(await pageOf("/")).toContain("never sent: dropped here on");
  });

  it("takes everything at once, and nothing of another member", async () => {
    await post("/offers/trading", { share: "yes", policyVersion: "3" }, "house-02");
    await post("/offers/field-advice", { share: "yes", policyVersion: "3" });
    await post("/sharing/withdraw", {});
    const standing = consentRecords(seeded.store.read).filter(({ withdrawn }) => withdrawn === undefined);
    expect(standing.map(({ member }) => member)).toEqual(["house-02"]);
  });

  it("of an operator or of nobody is refused", async () => {
    expect((await post("/sharing/withdraw", {}, "mwalimu")).status).toBe(403);
    expect((await app.request("http://kijiji.local/sharing/withdraw", { method: "POST" })).status).toBe(403);
  });
});

describe("what left", () => {
  it("counts each day of the month", async () => {
    const { days } = (await (await get("/api/releases/month?month=2026-06")).json()) as {
      days: { day: string; count: number }[];
    };
    expect(days).toHaveLength(30);
    expect(days.filter(({ count }) => count > 0)).toEqual([{ day: "2026-06-15", count: 25 }]);
  });

  it("has a proof of each release that holds by the log's key, on the command line and in the browser", async () => {
    const text = await (await get("/api/releases/3/proof")).text();
    const log = logSigner("kijiji", seeded.options.identity.keys);
    expect(verifyEgressProof(text, { log })).toMatchObject({ member: "house-01", trusted: true, index: 2 });
    expect(await checkProof(text)).toMatchObject({ holds: true, member: "house-01" });
  });

  it.each(["/left?day=2026-02-30", "/left?day=yesterday", "/left?day=2026-06-14", "/left?day=2027-01-31"])(
    "says that nothing left, or shows today: %s",
    async (path) => {
      expect((await get(path)).status).toBe(200);
    },
  );
});

describe("the API of consents", () => {
  const call = (method: string, path: string, body?: unknown, person = "house-01") =>
    app.request(`http://kijiji.local${path}`, {
      method,
      headers: {
        ...{ cookie: cookie(person), origin: "http://kijiji.local", host: "kijiji.local" },
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const states = async (person?: string) => {
    const { consents } = (await (await get("/api/consents", person)).json()) as {
      consents: { offer: string; state: string }[];
    };
    return consents.map(({ offer, state }) => [offer, state]);
  };

  it("gives, lists and takes back, and says what waited", async () => {
    expect(
      (await call("POST", "/api/consents", { offer: "field-advice", policyVersion: 3, days: 30 })).status,
    ).toBe(204);
    expect(await (await call("DELETE", "/api/consents/trading")).json()).toEqual({ dropped: 1 });
    expect(await states()).toEqual([
      ["trading", "withdrawn"],
      ["field-advice", "given"],
    ]);
    expect(await (await call("DELETE", "/api/consents")).json()).toEqual({ dropped: 0 });
    expect((await states()).map(([, state]) => state)).toEqual(["withdrawn", "withdrawn"]);
  });

  it.each<[unknown, number]>([
    [{ offer: "trading", policyVersion: 2 }, 409],
    [{ offer: "everything", policyVersion: 3 }, 409],
    [{ offer: "trading", policyVersion: 3, days: 400 }, 400],
    [{ offer: "trading", policyVersion: 3, member: "house-02" }, 400],
  ])("takes no yes like %j", async (body, status) => {
    expect((await call("POST", "/api/consents", body)).status).toBe(status);
    expect(await states()).toEqual([["trading", "given"]]);
  });

  it.each(["POST", "DELETE"])("lets no operator and no other page %s", async (method) => {
    const body = method === "POST" ? { offer: "trading", policyVersion: 3 } : undefined;
    expect((await call(method, "/api/consents", body, "mwalimu")).status).toBe(403);
    const foreign = { cookie: cookie("house-01"), origin: "http://elsewhere.example" };
    const answer = await app.request("http://kijiji.local/api/consents", { method, headers: foreign });
    expect(answer.status).toBe(403);
  });

  it.each(["dpv", "kantara", "odrl"])("hands out the receipt as %s, and on paper", async (format) => {
    const answer = await get(`/api/consents/1/receipt?format=${format}`);
    expect(answer.status).toBe(200);
    const text = await answer.text();
    const receipt = JSON.parse(text) as Record<string, unknown>;
    expect(text).toBe(canonicalJson(receipt));
    if (format === "dpv") expect(sealHolds(receipt, seeded.options.identity.keys.publicKey)).toBe(true);
    const page = await pageOf("/receipts/1");
    for (const words of ["Wanjiru", "Kijiji cha Jua", "trading and settlement", "given, until 11 April 2027"])
      expect(page).toContain(words);
  });
});
