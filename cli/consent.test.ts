import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sealHolds } from "../protocol/receipts/index.ts";

/** The command as a process of its own, because it prints and opens files of its own. */
const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const run = (...words: string[]): string =>
  execFileSync(process.execPath, [MAIN, "consent", ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

let folder: string;
let who: string[];
beforeAll(() => {
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
policy: policy.yaml
members:
  - { id: house-01, name: Wanjiru }
devices:
  - id: house-01-grid
    device: eastron-sdm120
    member: house-01
    mounting: grid
    connection: { kind: modbus-tcp, host: 127.0.0.1, port: 502 }
portal: { port: 0 }
`,
  );
  writeFileSync(
    join(folder, "policy.yaml"),
    JSON.stringify({
      ...{ version: 1, previous: null, effective: "2000-01-01T00:00Z", sunset: "2000-12-31T00:00Z" },
      offers: [
        {
          ...{
            id: "trading",
            title: "Trading",
            kind: "energyInterval",
            recipient: "hub",
            lane: "ownAccount",
          },
          ...{ purpose: "dpv:FulfilmentOfContractualObligation", retentionDays: 30, unit: "Wh" },
          ...{ recipientKey: "k".repeat(43), granularity: "quarterHour", expires: "2100-01-01T00:00Z" },
          window: { from: "2000-01-01T00:00Z", to: "2100-01-01T00:00Z" },
        },
      ],
    }),
  );
  who = ["--site", site, "--member", "house-01"];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("keeps a yes, prints its receipts, and takes it back", () => {
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
