import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addMs, memberId, type ActivePolicy, type VotedPolicy } from "../../domain/model/index.ts";
import { votedPolicy } from "../../protocol/policy.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { consentRecords } from "../release/consents.ts";
import { createPortal } from "./portal.ts";

/** A co-op that offers a weekly sum over its homes; house-02 said nothing yet. */
const sumPolicy = (version: number, offer: object = {}): VotedPolicy =>
  votedPolicy.parse({
    ...{ version, previous: version === 1 ? null : "a".repeat(64) },
    ...{ effective: "2026-01-01T00:00Z", sunset: "2026-12-31T00:00Z" },
    offers: [
      {
        ...{
          id: "weekly-sum",
          lane: "collective",
          title: "The week's sum",
          kind: "energyInterval",
          unit: "Wh",
        },
        ...{ purpose: "dpv:ScientificResearch", recipient: "hub", recipientKey: "k".repeat(43) },
        ...{
          retentionDays: 400,
          granularity: "week",
          expires: "2027-12-31T00:00Z",
          recipientKnowsTotal: false,
        },
        window: { from: "2026-01-01T00:00Z", to: "2027-12-31T00:00Z" },
        ...{ group: { leastMembers: 15, largestSharePercent: 15 }, clamp: 100_000, round: 10_000, ...offer },
      },
    ],
  });

let folder: string;
let seeded: Seeded;
let active: ActivePolicy;
let app: Hono<SessionEnv>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-limits-"));
  seeded = await openSeeded(folder);
  active = { policy: sumPolicy(1) };
  app = createPortal({ ...seeded.options, policy: () => active });
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const headers = (language: string) => ({
  cookie: `fieldwatt-gateway=${seeded.accounts.openSession("house-02")}`,
  "accept-language": language,
  ...{ origin: "http://kijiji.local", host: "kijiji.local" },
});
const pageOf = async (path: string, language = "en"): Promise<string> =>
  (await app.request(`http://kijiji.local${path}`, { headers: headers(language) })).text();
const post = (path: string, body: Record<string, string>) =>
  app.request(`http://kijiji.local${path}`, {
    ...{ method: "POST", headers: headers("en"), body: new URLSearchParams(body) },
  });
const yes = (limits: Record<string, string>, policyVersion = "1") =>
  post("/offers/weekly-sum", { share: "yes", policyVersion, ...limits });
const last = () => consentRecords(seeded.store.read, memberId("house-02")).at(-1);

describe("a yes with limits of one's own", () => {
  it("asks in plain words, with nothing chosen", async () => {
    const page = await pageOf("/sharing/weekly-sum");
    expect(page).toContain("One sum over 15 homes or more, none of them more than 15 % of it");
    for (const words of ["At least so many homes together", "20 homes", "one figure each month", "90 days"])
      expect(page).toContain(words);
    expect(page).not.toContain("10 homes");
    const choices = page.slice(page.indexOf("Be stricter"));
    expect(choices).not.toMatch(/<option[^>]* selected/);
  });

  it.each<[string, Record<string, string>, object]>([
    ["a larger group", { leastMembers: "20" }, { leastMembers: 20 }],
    ["a coarser step", { granularity: "month" }, { granularity: "month" }],
    ["less time to keep it", { retentionDays: "90" }, { retentionDays: 90 }],
    [
      "some days only, in the village's time",
      { from: "2026-07-01", to: "2026-07-31" },
      { window: { from: Date.UTC(2026, 5, 30, 21), to: Date.UTC(2026, 6, 31, 21) } },
    ],
    ["none", { leastMembers: "", granularity: "", from: "" }, {}],
  ])("keeps %s", async (_what, body, limits) => {
    await yes(body);
    expect(last()).toMatchObject({ offer: "weekly-sum", policyVersion: 1 });
    expect(last()?.limits).toEqual(limits);
  });

  it.each<[string, Record<string, string>]>([
    ["a number that is none", { leastMembers: "many" }],
    ["a step that nobody knows", { granularity: "decade" }],
    ["days that end before they begin", { from: "2026-08-01", to: "2026-07-01" }],
    ["a day that is none", { from: "2026-02-31x" }],
  ])("keeps nothing of %s", async (_what, body) => {
    expect(await (await yes(body)).text()).toContain("One of your limits cannot be read");
    expect(last()).toBeUndefined();
  });

  it("says where a limit keeps the member out, and lets them take the yes back", async () => {
    await yes({ retentionDays: "90" });
    const page = await pageOf("/sharing");
    expect(page).toContain("nothing of it leaves.");
    expect(page).toContain("kept for at most 90 days");
    await post("/offers/weekly-sum", { share: "no" });
    expect(last()?.withdrawn).toBe(NOW);
  });

  it("counts a member in who wants a larger group, and says so in Kiswahili, too", async () => {
    await yes({ leastMembers: "20" });
    expect(await pageOf("/sharing", "sw")).toContain("pamoja na nyumba 20 au zaidi tu");
    expect(await pageOf("/sharing")).toMatch(/The week&#39;s sum<\/h2>\s*<p class="soft">shared</);
  });

  it("takes the place of the yes before, so that a stricter word counts", async () => {
    await yes({});
    await seeded.clock.advance(1_000);
    await yes({ retentionDays: "90" });
    const consents = consentRecords(seeded.store.read, memberId("house-02"));
    expect(consents.map(({ expires }) => expires === NOW + 1_000)).toEqual([true, false]);
    expect(await pageOf("/sharing")).toContain("nothing of it leaves.");
  });
});

describe("when the co-op votes a new version", () => {
  it("a yes still counts where the offer is stricter", async () => {
    await yes({});
    active = { policy: sumPolicy(2, { retentionDays: 100 }) };
    expect(await pageOf("/sharing")).toMatch(/The week&#39;s sum<\/h2>\s*<p class="soft">shared</);
  });

  it("the member is asked again where it is looser, and the new yes is to the new words", async () => {
    await yes({});
    active = { policy: sumPolicy(2, { retentionDays: 500 }) };
    const page = await pageOf("/sharing");
    expect(page).toContain("The co-op has changed this offer since you said yes");
    expect(page).toContain('<p class="soft">not shared</p>');
    await yes({}, "2");
    expect(await pageOf("/sharing")).toContain('<p class="soft">shared</p>');
  });
});

describe("a guardian's mandate", () => {
  const given = () =>
    seeded.store.run("giveMandate", {
      ...{ guardian: "Aunt Njeri", member: memberId("house-02"), scope: "all" },
      ...{ from: NOW, until: addMs(NOW, 86_400_000) },
    });

  it("is shown to the member, who can end it, and nobody else", async () => {
    const id = await given();
    expect(await pageOf("/sharing")).toContain("Aunt Njeri, in everything, until 16 June 2026");
    const other = { cookie: `fieldwatt-gateway=${seeded.accounts.openSession("house-01")}` };
    const revoke = (rest: object) =>
      app.request(`http://kijiji.local/guardians/${id}/revoke`, {
        ...{ method: "POST", headers: { ...headers("en"), ...rest } },
      });
    await revoke(other);
    expect(await pageOf("/sharing")).toContain("Aunt Njeri, in everything");
    await revoke({});
    expect(await pageOf("/sharing")).toContain("Aunt Njeri: ended");
  });
});
