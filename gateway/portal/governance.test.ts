import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { found, governanceOf, madeUpOfficers } from "../../cli/demo/founding.ts";
import { DEFAULT_RULE } from "../../domain/governance/vote.ts";
import { toIso } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { signClaims, writtenCertificate } from "../../protocol/governance.ts";
import { policyHash } from "../../protocol/policy.ts";
import { NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { createPortal } from "./portal.ts";

const DAY = 86_400_000;
const officers = madeUpOfficers();
const offer = {
  ...{ lane: "ownAccount", id: "trading", title: "Trade in the village", kind: "energyInterval" },
  ...{ purpose: "dpv:ServiceProvision", recipient: "hub", retentionDays: 365, granularity: "hour" },
  recipientKey: "k".repeat(43),
  ...{ window: { from: "2026-01-01T00:00Z", to: "2027-05-01T00:00Z" }, unit: "Wh" },
  expires: "2027-05-01T00:00Z",
};
const term = { effective: "2026-06-01T00:00Z", sunset: "2027-05-31T00:00Z" };
const first = { version: 1, previous: null, ...term, offers: [offer] };
const looser = {
  ...{ version: 2, previous: policyHash(first), ...term },
  offers: [{ ...offer, retentionDays: 700 }],
};

let folder: string;
let seeded: Seeded;
let clock: ManualClock;
let app: Hono<SessionEnv>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-votes-"));
  seeded = await openSeeded(folder);
  clock = new ManualClock(NOW);
  const written = governanceOf(officers, ["house-01", "house-02"]);
  const governance = { ...written, rule: DEFAULT_RULE, demo: false };
  app = createPortal({ ...seeded.options, clock, site: { ...seeded.options.site, governance } });
  const members = ["house-01", "house-02"];
  await found(seeded.store, { policy: first, members, officers, now: NOW, title: "First", discussion: "" });
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const headers = (person: string) => ({
  cookie: `fieldwatt-gateway=${seeded.accounts.openSession(person)}`,
  ...{ origin: "http://kijiji.local", host: "kijiji.local" },
});
const pageOf = async (path: string, person: string, language = "en"): Promise<string> => {
  const asked = { headers: { ...headers(person), "accept-language": language } };
  return (await app.request(`http://kijiji.local${path}`, asked)).text();
};
const post = (path: string, person: string, body: FormData | URLSearchParams) =>
  app.request(`http://kijiji.local${path}`, { method: "POST", headers: headers(person), body });
const form = (fields: Record<string, string>) => new URLSearchParams(fields);
const OPERATOR = "mwalimu";

function upload(name: string, text: string, fields: Record<string, string> = {}): FormData {
  const data = new FormData();
  data.set(name, new File([text], `${name}.json`));
  for (const [field, value] of Object.entries(fields)) data.set(field, value);
  return data;
}

const propose = (policy: object = looser) =>
  post(
    "/operator/votes",
    OPERATOR,
    upload("file", JSON.stringify(policy), {
      ...{ title: "Keep it longer", by: "the board", discussion: "Why not?\n\nBecause.", hours: "24" },
    }),
  );
const cast = (person: string, choice: string) => post("/votes/2", person, form({ choice }));
const paper = async (teller: string, choice: string, pin = `pin-of-${teller}`) =>
  (await post("/operator/votes/2/paper", OPERATOR, form({ member: "house-02", choice, teller, pin }))).text();

describe("a member", () => {
  beforeEach(async () => void (await propose()));

  it("reads what it changes in plain words, and no ballot is preset", async () => {
    const text = await pageOf("/votes/2", "house-01");
    expect(text).toContain("It shares more than before.");
    expect(text).toContain("Trade in the village: how many days they may keep it: from 365 to 700");
    expect(text).toContain("It takes effect 7 days after");
    expect(text.match(/type="radio"/g)).toHaveLength(3);
    expect(text).not.toContain("checked");
    expect(await pageOf("/votes/2", "house-01", "sw")).toContain("Kinachoshirikiwa ni kingi kuliko zamani.");
    expect(await pageOf("/", "house-01")).toContain("Open, and you have not voted: 1.");
  });

  it("votes, sees only the turnout, changes the vote until the close, then sees the numbers", async () => {
    expect((await cast("house-01", "yes")).headers.get("location")).toBe("/votes/2?kept=1#vote");
    expect(await pageOf("/votes/2", "house-01")).toContain("Your vote: Yes.");
    await cast("house-01", "no");
    const other = await pageOf("/votes/2", "house-02");
    expect(other).toContain("1 of 2 members have voted.");
    expect(other).toContain("You have not voted.");
    expect(other).not.toContain("1 no");
    await clock.advance(DAY);
    expect(await (await cast("house-02", "yes")).text()).toContain("the vote is closed");
    await post("/operator/votes/2/count", OPERATOR, form({}));
    expect(await pageOf("/votes/2", "house-02")).toContain("0 yes, 1 no, 0 abstained, of 2 members.");
  });

  it.each(["", "maybe"])("casts no ballot of %j", async (choice) => {
    expect(await (await cast("house-01", choice)).text()).toContain("Choose yes, no or abstain.");
    expect(await pageOf("/votes/2", "house-01")).toContain("You have not voted.");
  });

  it("votes for nobody else, and not while the time is unknown", async () => {
    expect((await cast(OPERATOR, "yes")).status).toBe(403);
    expect((await post("/operator/votes/2/count", "house-01", form({}))).status).toBe(403);
    clock.trust(false);
    expect(await (await cast("house-01", "yes")).text()).toContain("does not know the time");
  });
});

describe("the operator", () => {
  it("proposes a file that is in its form and follows, and nothing else", async () => {
    expect(await (await propose({ ...looser, clapm: 1 })).text()).toContain("not a known key");
    expect(await (await propose({ ...looser, version: 3 })).text()).toContain("does not follow the policy");
    expect((await propose()).headers.get("location")).toBe("/operator/votes/2");
  });

  it("enters paper only with two tellers' PINs, who read the same", async () => {
    for (const id of ["house-01", "house-02"]) await seeded.accounts.setSecret(id, `pin-of-${id}`);
    await propose();
    expect(await paper("house-01", "no", "guessed")).toContain("not this teller");
    expect(await paper("house-01", "no")).toContain("A second teller must read the same");
    expect(await paper("house-01", "no")).toContain("A second teller must read the same");
    expect(await paper("house-02", "no")).toContain("the vote is cast");
    expect(await pageOf("/votes/2", "house-02")).toContain("Your vote, on paper: No.");
  });

  it("collects signatures and activates; it waits its seven days, and the page says so", async () => {
    await propose();
    for (const member of ["house-01", "house-02"]) await cast(member, "yes");
    await clock.advance(DAY);
    await post("/operator/votes/2/count", OPERATOR, form({}));
    const { certificate } = writtenCertificate.parse(
      JSON.parse(await pageOf("/operator/votes/2/certificate.json", OPERATOR)),
    );
    const activate = async () => (await post("/operator/votes/2/activate", OPERATOR, form({}))).text();
    expect(await activate()).toContain("two of the three officers must sign it");
    for (const officer of officers.slice(1)) {
      const signature = JSON.stringify(signClaims(certificate, officer));
      const answer = await post("/operator/votes/2/signature", OPERATOR, upload("signature", signature));
      expect(await answer.text()).toContain("The signature holds.");
    }
    expect(await activate()).toContain("Activated: in force from");
    const page = await pageOf("/operator/votes", OPERATOR);
    expect(page).toContain("In force: version 1");
    expect(page).toContain("Version 2 waits");
    expect(page).toContain("activated by mwalimu");
    await clock.advance(7 * DAY);
    expect(await pageOf("/operator/votes", OPERATOR)).toContain("In force: version 2");
    const health = JSON.parse(await pageOf("/health", OPERATOR)) as { policy: object };
    expect(health.policy).toEqual({ version: 2, hash: policyHash(looser), because: null });
  });

  it("reads why nothing leaves, once the policy's time is over", async () => {
    await clock.advance(Date.parse(toIso(NOW).replace("2026", "2027")) - NOW);
    expect(await pageOf("/operator", OPERATOR)).toContain("nothing leaves: its time is over");
    expect(await pageOf("/operator", OPERATOR, "sw")).toContain("muda wake umeisha");
  });
});
