import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { sha256Hex } from "../protocol/keys.ts";
import { temporaryFolder } from "../test/support/pglite-folder.ts";
import { enrolGateway } from "./enrol.ts";
import { loadHubConfig } from "./hub-file.ts";

// RFC 8032, section 7.1, test 1: a public key, in base64url.
const publicKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const folder = temporaryFolder("hub-file");
const file = join(folder.path, "hub.yaml");
const plain = `# Our hub.
id: federation
name: Machakos energy federation
broker: { port: 1883 }
portal: { port: 8080 }   # behind the proxy
tariff: { currency: KES, retail: 2500, feedIn: 1200 }
`;
const entropy = (bytes: number) => Buffer.alloc(bytes, 7);
const write = (text: string) => writeFileSync(file, text);
beforeEach(() => write(plain));
afterAll(() => folder.remove());

describe("the hub file", () => {
  it("has defaults for what is not written, and a data folder beside it", async () => {
    expect(await loadHubConfig(file)).toEqual({
      id: "federation",
      name: "Machakos energy federation",
      data: join(folder.path, "data"),
      broker: { host: "127.0.0.1", port: 1883 },
      portal: { host: "127.0.0.1", port: 8080 },
      storage: "pglite",
      tariff: { currency: "KES", retail: 2500, feedIn: 1200 },
      // As docs/forgetting.md says.
      stewardship: { backupDays: 30, settlementDays: 3650 },
      gateways: [],
    });
  });

  // Three different keys; the second and third are RFC 8032's of tests 2 and 3.
  const officers = [
    publicKey,
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU",
  ];
  const officersRow = (names: readonly string[], keys = officers) =>
    `gateways:\n  - id: a\n    name: N\n    publicKey: ${publicKey}\n    passwordSha256: ${sha256Hex("")}\n    officers:\n` +
    names.map((name, i) => `      - { name: ${name}, publicKey: ${keys[i]} }\n`).join("");

  it("names the officers of a gateway's co-op, where the operator knows them", async () => {
    write(plain + officersRow(["Amina", "Baraka", "Chege"]));
    const [gateway] = (await loadHubConfig(file)).gateways;
    expect(gateway?.officers).toEqual(
      ["Amina", "Baraka", "Chege"].map((name, i) => ({ name, publicKey: officers[i] })),
    );
  });

  const row = (id: string) =>
    `  - { id: ${id}, name: N, publicKey: ${publicKey}, passwordSha256: ${sha256Hex("")} }\n`;
  it.each([
    { what: "an unknown key", text: `${plain}tarif: 3\n`, at: "7:1" },
    { what: "a wrong value", text: plain.replace("KES", "shilling"), at: "6:11" },
    { what: "a storage that is none", text: `${plain}storage: sqlite\n`, at: "7:1" },
    { what: "a gateway that is there twice", text: `${plain}gateways:\n${row("a")}${row("a")}`, at: "9:7" },
    { what: "two officers", text: plain + officersRow(["Amina", "Baraka"]), at: "12:5" },
    {
      what: "an officer that is there twice",
      text: plain + officersRow(["Amina", "Baraka", "Amina"]),
      at: "12:5",
    },
    {
      what: "a key that is none",
      text: `${plain}gateways:\n${row("a").replace(publicKey, "short")}`,
      at: "8:23",
    },
  ])("names file, line and column of $what", async ({ text, at }) => {
    write(text);
    await expect(loadHubConfig(file)).rejects.toMatchObject({
      code: "HUB_FILE_INVALID",
      message: expect.stringContaining(`hub.yaml:${at}: `) as unknown,
    });
  });

  it("that is not there is named so", async () => {
    await expect(loadHubConfig(join(folder.path, "none.yaml"))).rejects.toMatchObject({
      code: "HUB_FILE_UNREADABLE",
    });
  });
});

describe("enrolling a gateway", () => {
  it("adds it, keeps comments, order and access, and holds the hash of the password that it returns", async () => {
    chmodSync(file, 0o640);
    const { password } = await enrolGateway(
      file,
      { id: "kisasi", name: "Kisasi village", publicKey },
      entropy,
    );
    const { gateways } = await loadHubConfig(file);
    expect(gateways).toEqual([
      { id: "kisasi", name: "Kisasi village", publicKey, passwordSha256: sha256Hex(password) },
    ]);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("# Our hub.\nid: federation");
    expect(text).toContain("# behind the proxy");
    expect(text).not.toContain(password);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it.each([{ list: "gateways: []\n" }, { list: "gateways:\n" }])("adds to $list", async ({ list }) => {
    write(plain + list);
    await enrolGateway(file, { id: "a", publicKey }, entropy);
    await enrolGateway(file, { id: "b", publicKey }, entropy);
    expect((await loadHubConfig(file)).gateways.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it.each([
    { why: "its id is there already", gateway: { id: "a", publicKey } },
    { why: "its id is none", gateway: { id: "Kisasi/+", publicKey } },
    { why: "its key is none", gateway: { id: "b", publicKey: "abc" } },
  ])("is refused, and the file stays, when $why", async ({ gateway }) => {
    await enrolGateway(file, { id: "a", publicKey }, entropy);
    const before = readFileSync(file, "utf8");
    await expect(enrolGateway(file, gateway, entropy)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(readFileSync(file, "utf8")).toBe(before);
  });
});
