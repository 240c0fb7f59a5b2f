import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openAccounts, type Accounts } from "./accounts.ts";

const SECOND = 1_000;
const DAY = 86_400_000;

let folder: string;
let now: number;
let accounts: Accounts;

/** Different bytes at each call, the same in each run. */
function countingEntropy(): (bytes: number) => Uint8Array {
  let call = 0;
  return (bytes) => {
    call += 1;
    return Uint8Array.from({ length: bytes }, (_, i) => (call * 31 + i * 7) % 256);
  };
}
const open = () =>
  openAccounts({ path: join(folder, "accounts.sqlite"), wallNow: () => now, entropy: countingEntropy() });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-accounts-"));
  now = Date.UTC(2026, 5, 15);
  accounts = open();
  accounts.addPerson({ id: "house-01", role: "member" });
  accounts.addPerson({ id: "boss", role: "operator" });
});
afterEach(async () => {
  await accounts[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

it("lets nobody in by name alone: a new person has no secret", async () => {
  expect(accounts.person("house-01")).toEqual({ id: "house-01", role: "member", hasSecret: false });
  expect(await accounts.signIn("house-01", "")).toEqual({ kind: "refused" });
});

it("signs in with the PIN that was set by a claim code, also after a restart", async () => {
  const code = accounts.makeClaimCode("house-01", { days: 7 });
  expect(await accounts.claim(code.toLowerCase().replace("-", " "), "4711")).toMatchObject({
    kind: "signedIn",
  });
  await accounts[Symbol.asyncDispose]();
  accounts = open();
  expect(await accounts.signIn(" House-01 ", "4711")).toEqual({
    kind: "signedIn",
    person: { id: "house-01", role: "member", hasSecret: true },
  });
});

it("writes a claim code as 4-4 letters and digits that nobody mistakes for another", () => {
  expect(accounts.makeClaimCode("house-01", { days: 7 })).toMatch(
    /^[34679ACDEFGHJKMNPQRTWXY]{4}-[34679ACDEFGHJKMNPQRTWXY]{4}$/,
  );
});

it.each([
  ["used", (code: string) => accounts.claim(code, "1111").then(() => code)],
  ["expired", (code: string) => ((now += 7 * DAY + 1), Promise.resolve(code))],
  [
    "replaced by a newer one",
    (code: string) => (accounts.makeClaimCode("house-01", { days: 7 }), Promise.resolve(code)),
  ],
  ["made up", () => Promise.resolve("AAAA-AAAA")],
])("refuses a claim code that is %s", async (_, prepare) => {
  const code = await prepare(accounts.makeClaimCode("house-01", { days: 7 }));
  expect(await accounts.claim(code, "2222")).toEqual({ kind: "refused" });
});

it("makes no claim code for an operator, whose password is longer than a PIN", () => {
  expect(() => accounts.makeClaimCode("boss", { days: 7 })).toThrow(RangeError);
});

it("signs in by a link once", () => {
  const token = accounts.makeLink("boss", { minutes: 10 });
  expect(accounts.useLink(token)).toMatchObject({ id: "boss", role: "operator" });
  expect(accounts.useLink(token)).toBeUndefined();
});

it("refuses a link after its minutes, and one that was never made", () => {
  const token = accounts.makeLink("boss", { minutes: 10 });
  now += 10 * 60 * SECOND;
  expect(accounts.useLink(token)).toBeUndefined();
  expect(accounts.useLink("A".repeat(43))).toBeUndefined();
});

it("makes links and sessions for known people only", () => {
  expect(() => accounts.makeLink("nobody", { minutes: 1 })).toThrow(RangeError);
  expect(() => accounts.openSession("nobody")).toThrow(RangeError);
});

it("ends a session when it is revoked and after 30 days", () => {
  const [first, second] = [accounts.openSession("boss"), accounts.openSession("boss")];
  expect(accounts.session(first)?.id).toBe("boss");
  accounts.closeSession(first);
  expect(accounts.session(first)).toBeUndefined();
  expect(accounts.session(second)?.id).toBe("boss");
  now += 30 * DAY;
  expect(accounts.session(second)).toBeUndefined();
});

it("gives the same answers for an unknown person as for a wrong PIN, waits included", async () => {
  await accounts.setSecret("house-01", "4711");
  const answers = async (id: string) => {
    const list = [];
    for (let i = 0; i < 7; i += 1) list.push(await accounts.signIn(id, "0000"));
    return list;
  };
  expect(await answers("house-01")).toEqual(await answers("house-99"));
});

it("makes the right PIN wait too after 5 wrong ones: 30 s, then 60 s, counted across restarts", async () => {
  await accounts.setSecret("house-01", "4711");
  for (let i = 0; i < 5; i += 1)
    expect(await accounts.signIn("house-01", "0000")).toEqual({ kind: "refused" });
  expect(await accounts.signIn("house-01", "4711")).toEqual({ kind: "wait", seconds: 30 });
  await accounts[Symbol.asyncDispose]();
  accounts = open();
  expect(await accounts.signIn("house-01", "4711")).toEqual({ kind: "wait", seconds: 30 });
  now += 30 * SECOND;
  expect(await accounts.signIn("house-01", "0000")).toEqual({ kind: "refused" });
  expect(await accounts.signIn("house-01", "4711")).toEqual({ kind: "wait", seconds: 60 });
  now += 60 * SECOND;
  expect(await accounts.signIn("house-01", "4711")).toMatchObject({ kind: "signedIn" });
  expect(await accounts.signIn("house-01", "0000")).toEqual({ kind: "refused" });
});

it("looks at no more than 5 of many wrong PINs that arrive at once", async () => {
  await accounts.setSecret("house-01", "4711");
  const outcomes = await Promise.all(Array.from({ length: 12 }, () => accounts.signIn("house-01", "0000")));
  expect(outcomes.filter(({ kind }) => kind === "refused")).toHaveLength(5);
  expect(outcomes.filter(({ kind }) => kind === "wait")).toHaveLength(7);
});

it("keeps no PIN, token or code in the file, and the file from other users", async () => {
  await accounts.setSecret("house-01", "a-long-password");
  const secrets = [
    "a-long-password",
    accounts.makeLink("house-01", { minutes: 5 }),
    accounts.makeClaimCode("house-01", { days: 1 }),
    accounts.openSession("house-01"),
  ];
  await accounts[Symbol.asyncDispose]();
  const file = readFileSync(join(folder, "accounts.sqlite"), "latin1");
  for (const secret of secrets) {
    expect(file).not.toContain(secret);
    expect(file).not.toContain(secret.replace("-", ""));
  }
  expect(statSync(join(folder, "accounts.sqlite")).mode & 0o777).toBe(0o600);
  accounts = open();
});

it("keeps secret and language when a person is added again", async () => {
  await accounts.setSecret("house-01", "4711");
  accounts.setLanguage("house-01", "sw");
  accounts.addPerson({ id: "house-01", role: "member" });
  expect(accounts.people().find(({ id }) => id === "house-01")).toEqual({
    id: "house-01",
    role: "member",
    language: "sw",
    hasSecret: true,
  });
});
