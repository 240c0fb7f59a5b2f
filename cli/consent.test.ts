import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { addMs, instant, toIso } from "../domain/model/index.ts";
import { foundDemo, governanceOf, madeUpOfficers } from "./demo/founding.ts";
import { openCommands } from "../gateway/record/open.ts";
import { sealHolds } from "../protocol/receipts/index.ts";

/** The command as a process of its own, because it prints and opens files of its own. */
const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const run = (...words: string[]): string =>
  execFileSync(process.execPath, [MAIN, "consent", ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

// The command asks the machine for the time: the policy is one of today.
const NOW = instant(Date.now());
const at = (days: number): string => toIso(addMs(NOW, days * 86_400_000));
const OFFICERS = madeUpOfficers();
const POLICY = {
  ...{ version: 1, previous: null, effective: at(-1), sunset: at(300) },
  offers: [
    {
      ...{ id: "trading", title: "Trading", kind: "energyInterval", recipient: "hub", lane: "ownAccount" },
      ...{ purpose: "dpv:FulfilmentOfContractualObligation", retentionDays: 30, unit: "Wh" },
      ...{ recipientKey: "k".repeat(43), granularity: "quarterHour", expires: at(300) },
      window: { from: at(-1), to: at(300) },
    },
  ],
};

let folder: string;
let who: string[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-consent-"));
  mkdirSync(join(folder, "data"));
  const site = join(folder, "site.yaml");
  writeFileSync(
    site,
    `id: kijiji
name: Kijiji
timeZone: Africa/Nairobi
latitude: -1.3
longitude: 36.8
elevation: 1660
data: data
members:
  - { id: house-01, name: Wanjiru }
devices:
  - id: house-01-grid
    device: eastron-sdm120
    member: house-01
    mounting: grid
    connection: { kind: modbus-tcp, host: 127.0.0.1, port: 502 }
portal: { port: 0 }
governance: ${JSON.stringify(governanceOf(OFFICERS))}
`,
  );
  await using store = await openCommands({ path: join(folder, "data", "record.sqlite") });
  await foundDemo(store, {
    ...{ policy: POLICY, members: ["house-01"], officers: OFFICERS, now: NOW },
  });
  who = ["--site", site, "--member", "house-01"];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("keeps a yes, prints its receipts, and takes it back", { timeout: 120_000 }, () => {
  run("give", ...who, "--offer", "trading");
  const receipt = (format: string) =>
    JSON.parse(run("receipt", ...who, "--id", "1", "--format", format)) as Record<string, unknown>;
  expect(sealHolds(receipt("dpv"))).toBe(true);
  expect(receipt("kantara")).toMatchObject({ version: "KI-CR-v1.1.0", piiPrincipalId: "house-01" });
  expect(receipt("odrl")).toMatchObject({ "@type": "Agreement" });
  run("withdraw", ...who, "--offer", "trading");
  expect(JSON.stringify(receipt("dpv"))).toContain("dpv:ConsentWithdrawn");
  expect(run("list", ...who)).toMatch(/^1 {2}house-01 {2}trading {2}since .* withdrawn /);
});

it("has no receipt of what nobody said", () => {
  expect(() => run("receipt", ...who, "--id", "99")).toThrow(/no consent with the number 99/);
});

it("keeps limits that are stricter than the offer, and who said it for whom", { timeout: 120_000 }, () => {
  const site = who.slice(0, 2);
  expect(run("mandate", "give", ...who, "--guardian", "Aunt Njeri", "--offers", "trading")).toMatch(
    /^mandate 1: Aunt Njeri may say yes for house-01 until /,
  );
  run("give", ...who, "--offer", "trading", "--mandate", "1", "--retention-days", "7");
  expect(run("list", ...who)).toMatch(/until .* {2}said by Aunt Njeri {2}within \{"retentionDays":7\}\n$/);
  run("mandate", "revoke", ...site, "--id", "1");
  expect(run("mandate", "list", ...site)).toMatch(/^1 {2}Aunt Njeri for house-01 {2}trading {2}revoked /);
  expect(() => run("give", ...who, "--offer", "trading", "--mandate", "9")).toThrow(/gave no mandate 9/);
  const backwards = ["--about-from", "2026-08-01", "--about-to", "2026-07-01"];
  expect(() => run("give", ...who, "--offer", "trading", ...backwards)).toThrow(/must be before/);
});
