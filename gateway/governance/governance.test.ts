import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { found, governanceOf, madeUpOfficers, type MadeUpOfficer } from "../../cli/demo/founding.ts";
import type { Choice } from "../../domain/governance/vote.ts";
import { DEFAULT_RULE } from "../../domain/governance/vote.ts";
import { addMs, instant, memberId } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { signClaims } from "../../protocol/governance.ts";
import { policyHash } from "../../protocol/policy.ts";
import { openCommands, type CommandStore } from "../record/open.ts";
import { openGovernance, type Governance } from "./active.ts";
import { proposalById } from "./proposals.ts";

const DAY = 86_400_000;
const NOW = instant(Date.parse("2026-06-15T12:00:00Z"));
const members = ["house-01", "house-02", "house-03", "house-04", "house-05", "house-06"];
const officers = madeUpOfficers();
const [amina, baraka, chege] = officers as [MadeUpOfficer, MadeUpOfficer, MadeUpOfficer];
const authority = { officers: governanceOf(officers).officers, rule: DEFAULT_RULE };

const offer = {
  ...{ lane: "ownAccount", id: "trading", title: "Trade", kind: "energyInterval" },
  ...{ purpose: "dpv:ServiceProvision", recipient: "hub", retentionDays: 365, granularity: "hour" },
  recipientKey: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  ...{ window: { from: "2026-01-01T00:00:00Z", to: "2027-06-01T00:00:00Z" }, unit: "Wh" },
  expires: "2027-06-01T00:00:00Z",
};
const term = { effective: "2026-06-01T00:00:00Z", sunset: "2027-05-31T00:00:00Z" };
const first = { version: 1, previous: null, ...term, offers: [offer] };
const following = (before: object, version: number, retentionDays: number) => ({
  ...{ version, previous: policyHash(before), ...term },
  offers: [{ ...offer, retentionDays }],
});
const looser = following(first, 2, 700);
const tighter = following(first, 2, 30);

let folder: string;
let store: CommandStore;
let clock: ManualClock;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-governance-"));
  store = await openCommands({ path: join(folder, "record.sqlite") });
  clock = new ManualClock(NOW);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const log = { info: () => undefined, error: () => undefined };
const open = (by = authority.officers): Governance =>
  openGovernance({ read: store.read, clock, officers: by, log });
const foundCoop = (): Promise<void> =>
  found(store, { policy: first, members, officers, now: NOW, title: "First", discussion: "" });

const inForce = (governance: Governance): unknown => {
  const standing = governance.standing();
  return standing.kind === "inForce" ? standing.link.policy.version : standing.because;
};

const propose = (policy: object, closes = addMs(clock.now(), DAY)) =>
  store.run("openProposal", {
    ...{ policy, title: "A change", discussion: "Because", by: "board", now: clock.now(), closes },
    ...{ members: members.map(memberId), rule: DEFAULT_RULE },
  });
const cast = (proposal: number, member: string, choice: Choice) =>
  store.run("castBallot", { proposal, member: memberId(member), choice, now: clock.now() });
const sign = (proposal: number, officer: MadeUpOfficer) => {
  const signature = signClaims(proposalById(store.read, proposal)?.claims ?? {}, officer);
  return store.run("signCertificate", {
    proposal,
    signature,
    officers: authority.officers,
    now: clock.now(),
  });
};
const activate = (proposal: number, by: typeof authority = authority) =>
  store.run("activatePolicy", { proposal, now: clock.now(), by: "operator", ...by });

/** A vote that all six carry, through to two signatures. */
async function certified(policy: object): Promise<number> {
  const opened = await propose(policy);
  if (opened.kind !== "done") throw new Error(opened.because);
  const { proposal } = opened;
  for (const member of members) await cast(proposal, member, "yes");
  await clock.advance(DAY);
  await store.run("countVote", { proposal, now: clock.now(), by: "operator" });
  await sign(proposal, amina);
  await sign(proposal, baraka);
  return proposal;
}

describe("the policy in force", () => {
  it("is none before one was voted, and none where the site names no officers", () => {
    expect(inForce(open())).toBe("noneVoted");
    expect(open().activePolicy()).toEqual({ because: "noPolicy" });
    const none = openGovernance({ read: store.read, clock, officers: undefined, log });
    expect(inForce(none)).toBe("noOfficers");
  });

  it("is the founding one at once, until its sunset", async () => {
    await foundCoop();
    const governance = open();
    expect(governance.activePolicy()).toMatchObject({ policy: { version: 1, hash: policyHash(first) } });
    await clock.advance(Date.parse(term.sunset) - NOW);
    expect(governance.activePolicy()).toEqual({ because: "policySunset" });
  });

  it("gives way to one that tightens at once, and to one that loosens seven days after the certificate", async () => {
    await foundCoop();
    const governance = open();
    expect(await activate(await certified(tighter))).toMatchObject({ kind: "done" });
    expect(inForce(governance)).toBe(2);
    const third = following(tighter, 3, 365);
    expect(await activate(await certified(third))).toMatchObject({ kind: "done" });
    await clock.advance(7 * DAY - 1);
    expect(governance.standing()).toMatchObject({ kind: "inForce", waiting: { policy: { version: 3 } } });
    expect(inForce(governance)).toBe(2);
    await clock.advance(1);
    expect(inForce(governance)).toBe(3);
  });

  it("is none while its officers are officers no more, until those of today have signed and activated it", async () => {
    await foundCoop();
    const dalila = { ...madeUpOfficers()[0], name: "Dalila" } as MadeUpOfficer;
    const elected = { ...authority, officers: governanceOf([dalila, baraka, chege]).officers };
    expect(inForce(open(elected.officers))).toBe("unknownOfficer");
    expect(await activate(1, elected)).toEqual({ kind: "refused", because: "tooFewSignatures" });
    for (const officer of [dalila, chege]) {
      const signature = signClaims(proposalById(store.read, 1)?.claims ?? {}, officer);
      await store.run("signCertificate", { proposal: 1, signature, officers: elected.officers, now: NOW });
    }
    expect(await activate(1, elected)).toMatchObject({ kind: "done" });
    expect(inForce(open(elected.officers))).toBe(1);
  });

  it("is none where somebody wrote into the record: not the policy, not the term, not a version taken out", async () => {
    await foundCoop();
    await activate(await certified(tighter));
    const governance = open();
    expect(inForce(governance)).toBe(2);
    const { DatabaseSync } = await import("node:sqlite");
    const written = (sql: string): unknown => {
      using db = new DatabaseSync(join(folder, "record.sqlite"));
      db.exec("SAVEPOINT before");
      db.exec(sql);
      const seen = openGovernance({ read: db, clock, officers: authority.officers, log }).standing();
      db.exec("ROLLBACK TO before");
      return seen.kind === "none" ? seen.because : seen.link.policy.version;
    };
    const change = (column: string, from: string, to: string) =>
      `UPDATE policy_version SET ${column} = replace(${column}, '${from}', '${to}') WHERE version = 2`;
    expect(written(change("policy", '"retentionDays":30', '"retentionDays":3000'))).toBe("wrongHash");
    expect(written(change("certificate", '"yes":6', '"yes":5'))).toBe("badSignature");
    expect(written("DELETE FROM policy_version WHERE version = 1")).toBe("chainBroken");
    expect(written(change("policy", '"offers"', '"offered"'))).toBe("unreadable");
    expect(inForce(governance)).toBe(2);
  });
});

describe("a vote", () => {
  it("takes only what follows the newest policy, once at a time, and closes later than now", async () => {
    expect(await propose(looser)).toEqual({ kind: "refused", because: "doesNotFollow" });
    await foundCoop();
    expect(await propose(first)).toEqual({ kind: "refused", because: "doesNotFollow" });
    expect(await propose(looser, NOW)).toEqual({ kind: "refused", because: "closesTooSoon" });
    expect(await propose(looser)).toMatchObject({ kind: "done" });
    expect(await propose(looser)).toEqual({ kind: "refused", because: "alreadyProposed" });
  });

  it("hears the electorate of its beginning, until the close, also where the clock is put back afterwards", async () => {
    await foundCoop();
    const opened = await propose(looser);
    const proposal = opened.kind === "done" ? opened.proposal : 0;
    expect(await cast(proposal, "house-01", "yes")).toEqual({ kind: "done" });
    expect(await cast(proposal, "house-01", "no")).toEqual({ kind: "done" });
    expect(await cast(proposal, "house-07", "yes")).toEqual({ kind: "refused", because: "notInElectorate" });
    const counting = { proposal, by: "operator" };
    expect(await store.run("countVote", { ...counting, now: clock.now() })).toEqual({
      kind: "refused",
      because: "notYetClosed",
    });
    await clock.advance(DAY);
    expect(await cast(proposal, "house-02", "yes")).toEqual({ kind: "refused", because: "closed" });
    const tally = { electorate: 6, yes: 0, no: 1, abstain: 0 };
    expect(await store.run("countVote", { ...counting, now: clock.now() })).toEqual({ kind: "done", tally });
    const back = { proposal, member: memberId("house-02"), choice: "yes" as const, now: NOW };
    expect(await store.run("castBallot", back)).toEqual({ kind: "refused", because: "closed" });
    expect(await activate(proposal)).toEqual({ kind: "refused", because: "notPassed" });
  });

  it("counts paper that two tellers read the same, and no paper that one read twice", async () => {
    await foundCoop();
    const opened = await propose(looser);
    const proposal = opened.kind === "done" ? opened.proposal : 0;
    const read = async (teller: string, choice: Choice) => {
      const member = memberId("house-04");
      const step = await store.run("readPaper", { proposal, member, teller, choice, now: clock.now() });
      return step.kind === "done" ? step.paper.kind : step.because;
    };
    expect(await read("house-01", "yes")).toBe("waits");
    expect(await read("house-01", "yes")).toBe("waits");
    expect(await read("house-02", "no")).toBe("waits");
    expect(await read("house-01", "no")).toBe("counts");
    await clock.advance(DAY);
    expect(await store.run("countVote", { proposal, now: clock.now(), by: "operator" })).toEqual({
      kind: "done",
      tally: { electorate: 6, yes: 0, no: 1, abstain: 0 },
    });
  });

  it("is in force with two officers' signatures and not before, and never twice", async () => {
    await foundCoop();
    const opened = await propose(tighter);
    const proposal = opened.kind === "done" ? opened.proposal : 0;
    for (const member of members) await cast(proposal, member, "yes");
    await clock.advance(DAY);
    expect(await activate(proposal)).toEqual({ kind: "refused", because: "notCounted" });
    await store.run("countVote", { proposal, now: clock.now(), by: "operator" });
    expect(await activate(proposal)).toEqual({ kind: "refused", because: "tooFewSignatures" });
    const stranger = { ...amina, keys: madeUpOfficers()[0]?.keys ?? amina.keys };
    expect(await sign(proposal, stranger)).toEqual({ kind: "refused", because: "badSignature" });
    expect(await sign(proposal, { ...amina, name: "Eve" })).toEqual({
      kind: "refused",
      because: "unknownOfficer",
    });
    await sign(proposal, amina);
    expect(await sign(proposal, amina)).toEqual({ kind: "done", signatures: 1 });
    expect(await activate(proposal)).toEqual({ kind: "refused", because: "tooFewSignatures" });
    expect(await sign(proposal, chege)).toEqual({ kind: "done", signatures: 2 });
    expect(await activate(proposal)).toMatchObject({ kind: "done", effective: clock.now() });
  });

  it("that was carried against an older policy is not activated over a newer one", async () => {
    await foundCoop();
    const [a, b] = [await certified(tighter), await certified(looser)];
    expect(await activate(a)).toMatchObject({ kind: "done" });
    expect(await activate(b)).toEqual({ kind: "refused", because: "rollback" });
    expect(inForce(open())).toBe(2);
  });
});
