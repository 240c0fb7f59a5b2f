import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { policyHash, votedPolicy } from "../protocol/policy.ts";
import { policyWarnings } from "./policy-warnings.ts";
import { policyInWords } from "./policy-words.ts";

const offer = {
  lane: "collective",
  id: "weekly-sum",
  title: "What the village uses in a week",
  kind: "energyInterval",
  purpose: "dpv:ServiceOptimisation",
  recipient: "federation",
  recipientKey: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  retentionDays: 365,
  granularity: "week",
  window: { from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z" },
  unit: "Wh",
  expires: "2026-12-31T00:00:00Z",
  recipientKnowsTotal: true,
  clamp: 100_000,
};
const first = {
  version: 1,
  previous: null,
  effective: "2026-01-01T00:00:00Z",
  sunset: "2026-12-31T00:00:00Z",
  offers: [offer],
};
const second = {
  ...first,
  version: 2,
  previous: policyHash(first),
  offers: [{ ...offer, group: { leastMembers: 20 } }],
  prohibitions: [{ purpose: "dpv:Marketing" }],
};

describe("a policy in words", () => {
  it("says who, what, why and how long, with the defaults that hold", () => {
    const words = policyInWords(votedPolicy.parse(second));
    expect(words).toContain("Policy version 2, in force from 2026-01-01 00:00 until 2026-12-31 00:00 UTC.");
    expect(words).toContain(
      "at least 20 members, and none makes more than 15 % of it. Each counts up to 100,000 Wh.",
    );
    expect(words).toContain("nobody or at least 20 are left out of it");
    expect(words).toContain("Exact, rounded to 10,000 Wh.");
    expect(words).toContain("for dpv:ServiceOptimisation. They may keep it 365 days.");
    expect(words).toContain("everything for dpv:Marketing");
  });
});

describe("what may surprise about a policy", () => {
  it.each<[string, object, object, string[]]>([
    ["nothing", {}, {}, []],
    [
      "a group in which somebody always makes too much",
      { group: { leastMembers: 5 } },
      {},
      ["weekly-sum: with no share above 15 % it takes 7 members, not 5"],
    ],
    [
      "an offer beyond the policy",
      { expires: "2027-01-01T00:00:00Z" },
      {},
      ["weekly-sum: the policy ends before the offer does"],
    ],
    [
      "noise without a budget",
      { noise: { epsilon: "1" } },
      {},
      ["weekly-sum: without epsilonCaps nothing is released with noise"],
    ],
    [
      "noise above the budget",
      { noise: { epsilon: "3/2" } },
      { epsilonCaps: { eachPurposeAndRecipient: "1", inAll: "2" } },
      ["weekly-sum: one release costs more epsilon than a member may spend"],
    ],
  ])("%s", (_what, offerChange, policyChange, warnings) => {
    const written = { ...first, offers: [{ ...offer, ...offerChange }], ...policyChange };
    expect(policyWarnings(votedPolicy.parse(written))).toEqual(warnings);
  });
});

describe("fieldwatt policy", { timeout: 60_000 }, () => {
  let folder: string;
  const file = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fieldwatt-policy-"));
    await writeFile(file("1.json"), JSON.stringify(first));
    await writeFile(file("2.json"), JSON.stringify(second));
    await writeFile(file("bad.yaml"), `version: 1\nprevious: null\nclapm: 5\noffers: []\n`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = async (...args: string[]): Promise<{ out: string; code: number }> => {
    const main = join(import.meta.dirname, "main.ts");
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [main, "policy", ...args]);
      return { out: stdout, code: 0 };
    } catch (error) {
      const { stderr, code } = error as { stderr: string; code: number };
      return { out: stderr, code };
    }
  };

  it("diff labels the change and says what moved", async () => {
    expect(await run("diff", file("1.json"), file("2.json"))).toEqual({
      code: 0,
      out: "tighten\nweekly-sum, leastMembers: from 15 to 20 (tighten)\nprohibitions, prohibition: new: purpose dpv:Marketing (tighten)\n",
    });
  });

  it("check follows the chain of hashes", async () => {
    const good = await run("check", file("2.json"), "--previous", file("1.json"));
    expect(good).toEqual({
      code: 0,
      out: `${file("2.json")}: version 2 is in its form, hash ${policyHash(second)}\n`,
    });
    const bad = await run("check", file("1.json"), "--previous", file("2.json"));
    expect(bad.code).toBe(1);
    expect(bad.out).toContain("versionSkipped");
  });

  it("check names line and column of a key that nobody knows", async () => {
    const { code, out } = await run("check", file("bad.yaml"));
    expect(code).toBe(1);
    expect(out).toContain(`${file("bad.yaml")}:3:1: "clapm" is not a known key here`);
  });

  it("show reads the example of a policy", async () => {
    const { code, out } = await run("show", join(import.meta.dirname, "../examples/policy.yaml"));
    expect(code).toBe(0);
    expect(out).toContain("own-account-trading: Trade my energy in the village");
  });
});
