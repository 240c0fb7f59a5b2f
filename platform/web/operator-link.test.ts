import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openAccounts, writeOperatorLink, type Accounts } from "./index.ts";

let folder: string;
let accounts: Accounts;
const file = () => join(folder, "operator-link");
const write = () => writeOperatorLink(accounts, { folder, url: "http://127.0.0.1:8080" });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-operator-"));
  let call = 0;
  accounts = openAccounts({
    path: ":memory:",
    wallNow: () => Date.UTC(2026, 5, 15),
    entropy: (bytes) => new Uint8Array(bytes).fill((call += 1)),
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("leaves a link that signs the operator in, for this user's eyes only", async () => {
  const link = (await write()) ?? "";
  expect(readFileSync(file(), "utf8")).toBe(`${link}\n`);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  const token = link.replace("http://127.0.0.1:8080/once/", "");
  expect(accounts.useLink(token)).toEqual({ id: "operator", role: "operator", hasSecret: false });
});

it("makes a new link at each start until a password is chosen, then none", async () => {
  expect(await write()).not.toBe(await write());
  await accounts.setSecret("operator", "maize beans goats");
  expect(await write()).toBeUndefined();
  expect(existsSync(file())).toBe(false);
});
