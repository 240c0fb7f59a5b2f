import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { madeUpOfficers, governanceOf } from "../../cli/demo/founding.ts";
import { openLog } from "../../platform/log.ts";
import { certificateDigest, type PolicyBody } from "../../protocol/decided.ts";
import { policyHash } from "../../protocol/policy.ts";
import { decidedBy } from "../../test/support/decided.ts";
import { MIDNIGHT, openVillage, type Village } from "../../test/support/hub.ts";
import { openCommands, type CommandStore } from "../record/open.ts";
import { createPolicies } from "./policies.ts";

/** The link's own part against a real hub's intake, without a wire between them. */
const officers = madeUpOfficers();
const chain = decidedBy(officers, 4, MIDNIGHT);
const log = openLog("test", { write: () => undefined });

let village: Village;
let folder: string;
let store: CommandStore;
beforeAll(async () => {
  village = await openVillage(["north"], new Map([["north", governanceOf(officers).officers]]));
});
beforeEach(async () => {
  await village.clear();
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-policies-"));
  store = await openCommands({ path: join(folder, "record.sqlite") });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
afterAll(() => village[Symbol.asyncDispose]());

/** Puts a link into the record's chain, as the activation of a policy leaves it. */
function activate({ policy, certificate }: PolicyBody): void {
  using db = new DatabaseSync(join(folder, "record.sqlite"));
  const row = [Number(policy.version), "", JSON.stringify(policy), JSON.stringify(certificate), MIDNIGHT];
  db.prepare("INSERT OR REPLACE INTO policy_version VALUES (?, ?, ?, ?, ?)").run(...row);
  db.exec("INSERT INTO policy_event (time, what, by, proposal) VALUES (1, 'activated', 'test', 1)");
}
const namesOf = ({ policy, certificate }: PolicyBody) => ({
  ...{ policy: policyHash(policy), certificate: certificateDigest(certificate) },
});
const connection = () => createPolicies({ store, log }, () => undefined);

/** Tells all that is to be told. @returns the versions, in their order */
async function tellAll(policies = connection()): Promise<unknown[]> {
  const versions: unknown[] = [];
  for (let body = policies.next(); body; body = policies.next()) {
    versions.push(body.policy.version);
    policies.heard(await village.decide("north", body));
  }
  return versions;
}

it("tells nothing where nothing was decided", () => {
  expect(connection().next()).toBeUndefined();
});

it("tells the newest, and those before it only as far as the hub lacks them", async () => {
  for (const link of chain.slice(0, 2)) activate(link);
  expect(await tellAll()).toEqual([2, 1]);
  const policies = connection();
  expect(await tellAll(policies)).toEqual([2]);
  for (const link of chain.slice(2)) activate(link);
  expect(await tellAll(policies)).toEqual([4, 3]);
  expect(policies.next()).toBeUndefined();
});

it("tells all again to a hub that lost them, on the next connection", async () => {
  for (const link of chain) activate(link);
  await tellAll();
  await village.clear();
  expect(await tellAll()).toEqual([4, 3, 2, 1]);
});

it("tells a policy again that other officers have signed", async () => {
  for (const link of chain.slice(0, 1)) activate(link);
  const policies = connection();
  expect(await tellAll(policies)).toEqual([1]);
  for (const link of decidedBy(officers.slice(1), 1, MIDNIGHT)) activate(link);
  expect(await tellAll(policies)).toEqual([1]);
});

it("does not go round with a hub that never has enough, nor repeats itself before there was an answer", () => {
  for (const link of chain.slice(0, 2)) activate(link);
  const policies = connection();
  const told: unknown[] = [];
  for (let body = policies.next(); body && told.length < 10; body = policies.next()) {
    told.push(body.policy.version);
    expect(policies.next()).toBeUndefined();
    const kept = { kind: "policyKept", policy: "", certificate: "", lacks: null } as const;
    policies.heard(kept);
    const lacks = String(chain[1]?.policy.previous);
    policies.heard({ ...kept, ...namesOf(body), lacks });
  }
  expect(told).toEqual([2, 1]);
});
