import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { messageOf } from "../domain/model/index.ts";
import { openAccounts } from "../platform/web/accounts.ts";
import { policyHash } from "../protocol/policy.ts";
import { policyCommand } from "./policy.ts";

/** A founding vote from the proposal to the policy in force, each step by the command line, on a village's clock. */
const DAY = 86_400_000;
const BEGIN = Date.parse("2026-06-15T08:00:00Z");
const members = ["house-01", "house-02", "house-03"];
const policy = {
  ...{ version: 1, previous: null, effective: "2026-06-01T00:00Z", sunset: "2027-05-31T00:00Z" },
  offers: [
    {
      ...{ id: "trading", title: "Trade in the village", kind: "energyInterval", recipient: "hub" },
      ...{ lane: "ownAccount", purpose: "dpv:ServiceProvision", retentionDays: 30, unit: "Wh" },
      ...{ recipientKey: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", granularity: "quarterHour" },
      ...{ expires: "2027-05-31T00:00Z", window: { from: "2026-06-01T00:00Z", to: "2027-05-31T00:00Z" } },
    },
  ],
};

let folder: string;
const file = (name: string): string => join(folder, name);
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "fieldwatt-vote-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the command prints, or the error that it ends with. The village's clock stands at `days`. */
async function run(words: readonly string[], days?: number): Promise<string> {
  // At speed 1 a few minutes of a slow machine do not matter here.
  const clock = days === undefined ? [] : ["--clock", `${Date.now()},${BEGIN + days * DAY},1`];
  const lines: string[] = [];
  const printed = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  const command = policyCommand();
  for (const one of [command, ...command.commands])
    one.exitOverride().configureOutput({ writeErr: (text) => void lines.push(text) });
  try {
    await command.parseAsync([...words, ...clock], { from: "user" });
  } catch (error) {
    lines.push(messageOf(error));
  } finally {
    printed.mockRestore();
  }
  return lines.join("\n");
}

async function writeVillage(): Promise<void> {
  const officers: object[] = [];
  for (const name of ["Amina", "Baraka", "Chege"]) {
    const printed = await run(["officer-key", file(`${name}.key`), "--name", name]);
    officers.push({ name, publicKey: /publicKey: (\S+) }/.exec(printed)?.[1] });
  }
  const meter = { id: "meter", device: "eastron-sdm120", mounting: "grid", member: "house-01" };
  const site = {
    ...{ id: "kijiji", name: "Kijiji", timeZone: "UTC", latitude: 0, longitude: 37, elevation: 1600 },
    members: members.map((id) => ({ id, name: id })),
    devices: [{ ...meter, connection: { kind: "modbus-tcp", host: "127.0.0.1" } }],
    portal: { port: 0 },
    governance: { officers, tellers: ["house-02", "house-03"] },
  };
  await writeFile(file("site.yaml"), JSON.stringify(site));
  await writeFile(file("policy.json"), JSON.stringify(policy));
  await writeFile(file("why.txt"), "So that the sun of one roof serves two.");
}

/** As the members do on their page. */
async function choosePins(): Promise<void> {
  await using accounts = openAccounts({
    ...{ path: file("data/accounts.sqlite"), wallNow: () => Date.now(), entropy: randomBytes },
  });
  for (const id of members) {
    accounts.addPerson({ id, role: "member" });
    await accounts.setSecret(id, `4711-${id}`);
    await writeFile(file(`${id}.pin`), `4711-${id}\n`);
  }
}

it("goes from a proposal to the policy in force", { timeout: 180_000 }, async () => {
  await writeVillage();
  const at = ["--site", file("site.yaml")];
  const proposing = ["propose", file("policy.json"), ...at, "--title", "First", "--by", "the board"];
  const proposed = await run([...proposing, "--discussion", file("why.txt"), "--hours", "24"], 0);
  expect(proposed).toContain("It would loosen:\n  trading, offer: new: Trade in the village (loosen)");
  await choosePins();

  const vote = (member: string, choice: string, pin: string, ...paper: string[]) =>
    run(["vote", "1", ...at, "--member", member, "--choice", choice, "--pin-file", file(pin), ...paper], 0.5);
  expect(await vote("house-01", "yes", "house-01.pin")).toContain("house-01 votes yes");
  const paper = (teller: string) => vote("house-03", "yes", `${teller}.pin`, "--paper", "--teller", teller);
  expect(await paper("house-02")).toContain("a second teller must read the same");
  expect(await paper("house-03")).toContain("read by house-02 and house-03");
  expect(await vote("house-02", "perhaps", "house-02.pin")).toContain("yes, no, abstain");

  expect(await run(["count", "1", ...at], 1.1)).toContain("2 yes, 0 no, 0 abstain, of 3: carried");

  await writeFile(file("certificate.json"), await run(["certificate", "1", ...at]));
  const amina = ["--officer", "Amina", "--key", file("Amina.key")];
  await writeFile(
    file("signature.json"),
    await run(["certify", "--from", file("certificate.json"), ...amina]),
  );
  const signed = await run(["certify", "1", ...at, "--signature", file("signature.json")], 1.1);
  expect(signed).toContain("Amina signed; 1 of 2");
  const wrong = ["--officer", "Baraka", "--key", file("Amina.key")];
  expect(await run(["certify", "1", ...at, ...wrong], 1.1)).toContain("(badSignature)");
  const chege = ["--officer", "Chege", "--key", file("Chege.key")];
  expect(await run(["certify", "1", ...at, ...chege], 1.1)).toContain("Chege signed; 2 of 2");
  expect(await run(["activate", "1", ...at], 1.1)).toContain("in force from 2026-06-16 ");

  expect(await run(["show", ...at], 2)).toContain(`Hash ${policyHash(policy)}`);
  expect(JSON.parse(await readFile(file("certificate.json"), "utf8"))).toMatchObject({ signatures: [] });
});
