import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openAccounts } from "../platform/web/index.ts";
import { memberCommand } from "./member.ts";

/** The command as a process of its own, because it prints and opens files of its own. */
const run = (...words: string[]): string =>
  execFileSync(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { memberCommand } from ${JSON.stringify(new URL("./member.ts", import.meta.url).href)};
      await memberCommand().parseAsync(process.argv.slice(1), { from: "user" });`,
      "--",
      ...words,
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );

let folder: string;
let site: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-member-"));
  site = join(folder, "site.yaml");
  writeFileSync(
    site,
    `id: kijiji
name: Kijiji
timeZone: Africa/Nairobi
latitude: -1.3
longitude: 36.8
elevation: 1660
members:
  - { id: house-01, name: Wanjiru }
  - { id: house-02, name: Otieno }
devices:
  - id: house-01-grid
    device: eastron-sdm120
    member: house-01
    mounting: grid
    connection: { kind: modbus-tcp, host: 127.0.0.1 }
portal: { port: 8080 }
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("invites with a code and a link that the gateway's accounts take", async () => {
  const invited = JSON.parse(run("invite", "house-01", "--site", site, "--json"));
  expect(invited.claimAt).toBe("http://127.0.0.1:8080/claim");
  await using accounts = openAccounts({
    path: join(folder, "data", "accounts.sqlite"),
    wallNow: () => Date.now(),
    entropy: (bytes) => new Uint8Array(bytes),
  });
  expect(accounts.useLink(invited.link.replace("http://127.0.0.1:8080/once/", ""))?.id).toBe("house-01");
  expect(await accounts.claim(invited.claimCode, "4711")).toMatchObject({ kind: "signedIn" });
  expect(JSON.parse(run("list", "--site", site, "--json"))).toEqual({
    members: [
      { id: "house-01", name: "Wanjiru", hasPin: true },
      { id: "house-02", name: "Otieno", hasPin: false },
    ],
  });
});

it("names a member that the site file does not have", () => {
  expect(() => run("invite", "house-99", "--site", site)).toThrow(/There is no member "house-99"/);
});

it("says in its help how to use it", () => {
  expect(memberCommand().commands.map((command) => command.name())).toEqual(["invite", "list", "forget"]);
});
