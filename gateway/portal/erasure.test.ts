import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SessionEnv } from "../../platform/web/index.ts";
import { requestDigest } from "../../protocol/erasure-digest.ts";
import { signAnswer, type ErasurePart } from "../../protocol/erasure.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { askedFor } from "../erasure/asked.ts";
import { askForgetting } from "../erasure/asking.ts";
import { forgetAsked, wishes } from "../erasure/forgetting.ts";
import { createPortal } from "./portal.ts";

/** A record on a disk that others use, too. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The member's side of forgetting: expectations by hand from issue 5, section 5, and the words of docs/forgetting.md. */
const DAY_MS = 86_400_000;
const keys = generateKeyPair();

let folder: string;
let seeded: Seeded;
let app: Hono<SessionEnv>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-forgetting-"));
  seeded = await openSeeded(folder);
  app = createPortal(seeded.options);
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const cookie = (person: string) => `fieldwatt-gateway=${seeded.accounts.openSession(person)}`;
const get = (path: string, person = "house-01") =>
  app.request(`http://kijiji.local${path}`, { headers: { cookie: cookie(person) } });
const post = (path: string, body: Record<string, string>, person = "house-01") =>
  app.request(`http://kijiji.local${path}`, {
    method: "POST",
    headers: { cookie: cookie(person), origin: "http://kijiji.local", host: "kijiji.local" },
    body: new URLSearchParams(body),
  });
const pageOf = async (path: string, person?: string) =>
  (await (await get(path, person)).text())
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll(/\s+/g, " ");
const ask = () => {
  const { store, clock, options } = seeded;
  const names = { gateway: options.site.id, hub: "hub", key: keys.privateKey };
  return askForgetting({ store, clock, ...names, log: options.log });
};
const askedOf = () => {
  const [first] = askedFor(seeded.store.read, { member: "house-01", limit: 1 });
  if (!first) throw new Error("nothing was asked");
  return first;
};
/** All but the first are deleted; the first is kept for the accounts. */
async function answer(): Promise<number> {
  const { request } = askedOf();
  const [first = 0, ...rest] = request.releases;
  const hold: ErasurePart = { outcome: "lawfulHold", until: NOW + 3650 * DAY_MS, releases: [first] };
  const words = {
    version: 1 as const,
    hub: "hub",
    gateway: request.gateway,
    request: requestDigest(request),
  };
  const signed = signAnswer(
    {
      ...{ ...words, answered: NOW, filesCleanBy: NOW + 2 * DAY_MS, backupsCleanBy: NOW + 30 * DAY_MS },
      parts: [{ outcome: "deleted", releases: rest }, hold],
    },
    keys.privateKey,
  );
  await seeded.store.run("keepErased", { answer: signed, answered: NOW });
  return rest.length;
}
const setPin = () => seeded.accounts.setSecret("house-01", "1470");

describe("what others were asked to delete", () => {
  it("is nothing before a yes ended", async () => {
    expect(await pageOf("/forgetting")).toContain("Nobody was asked to delete anything");
  });

  it("is shown with the day until which they may answer, then with what they signed", async () => {
    await post("/offers/trading", { share: "no" });
    await ask();
    expect(await pageOf("/forgetting")).toContain("No answer yet. If none comes by 29 June 2026");
    expect(await (await get("/api/erasures")).json()).toMatchObject({
      erasures: [{ offer: "trading", because: "consentWithdrawn", answered: null, parts: [] }],
    });
    const deleted = await answer();
    const text = await pageOf("/forgetting");
    for (const words of [
      `Deleted: ${deleted}.`,
      "Deleted but for the trade and its money: 1. The accounts must be kept until 12 June 2036",
      "Out of the files of their computer by 17 June 2026, and out of their last backup by 15 July 2026.",
    ])
      expect(text).toContain(words);
  });

  it("is said to suspend the recipient when no answer came, to the member, the operator and /health", async () => {
    await post("/offers/trading", { share: "no" });
    await ask();
    await seeded.clock.advance(14 * DAY_MS);
    expect(await pageOf("/forgetting")).toContain(
      "No answer in 14 days. Since then nothing more goes to them",
    );
    expect(await pageOf("/operator", "mwalimu")).toContain("hub has not answered since");
    expect(await (await app.request("/health")).json()).toMatchObject({
      forgetting: { open: 1, suspended: ["hub"] },
    });
  });

  it("comes as a file with both signatures, to the member alone", async () => {
    await post("/offers/trading", { share: "no" });
    await ask();
    const path = `/api/erasures/${askedOf().id}/paper`;
    expect((await get(path)).status).toBe(404);
    await answer();
    const { request, answered } = askedOf();
    expect(await (await get(path)).json()).toEqual({
      ...{ format: "fieldwatt-erasure", request, answer: answered?.answer },
    });
    expect((await get(path, "house-02")).status).toBe(404);
    expect((await app.request(path)).status).toBe(401);
  });
});

describe("deleting what is held here", () => {
  it("begins with a list of what goes and what stays, and asks for the PIN again", async () => {
    const list = await pageOf("/forgetting/home");
    for (const words of ["house-01-grid, house-01-roof", "quarter hours of energy", "Trades in the village"])
      expect(list).toContain(words);
    expect(list).toContain('href="/forgetting/home/pin"');
    expect(await pageOf("/forgetting/home/pin")).toContain('name="pin"');
    expect(wishes(seeded.store.read)).toEqual([]);
  });

  it.each(["", "1471"])("does nothing with the PIN %j", async (pin) => {
    await setPin();
    const refused = await post("/forgetting/home", { pin });
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain("Nothing was deleted");
    expect(wishes(seeded.store.read)).toEqual([]);
  });

  it("is done after the PIN, and then shown with its date on the member's page and the operator's", async () => {
    await setPin();
    const kept = await post("/forgetting/home", { pin: "1470" });
    expect(kept.headers.get("location")).toBe("/forgetting?asked=yes");
    expect(await pageOf("/forgetting?asked=yes")).toContain("it is being done");
    const { store, clock, options } = seeded;
    await forgetAsked({ site: options.site, store, clock, log: options.log });
    expect(await pageOf("/forgetting")).toMatch(
      /Deleted on 15 Jun, 14:40: [\d,]+ readings, [\d,]+ quarter hours/,
    );
    expect(await pageOf("/operator", "mwalimu")).toContain(
      "The village's sums of days before that are without this house",
    );
    expect(await pageOf("/operator/energy", "mwalimu")).toContain("The sums of days before are without it.");
    for (const path of ["/", "/sharing", "/left", "/api/releases", "/api/balance", "/api/answers"])
      expect([path, (await get(path)).status]).toEqual([path, 200]);
    expect(await pageOf("/left")).toContain("What it said is deleted here, as you asked");
    expect((await get("/api/releases/1/proof")).status).toBe(404);
  });

  it("is for members, each for themselves", async () => {
    expect((await get("/forgetting/home", "mwalimu")).status).not.toBe(200);
    expect((await app.request("/forgetting")).status).not.toBe(200);
  });
});
