import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { randomBytes } from "node:crypto";
import { openFlowTokens } from "../gateway/flows/tokens.ts";
import { flowsCommand } from "./flows.ts";

let folder: string;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-flows-cli-"));
  await writeFile(
    join(folder, "site.yaml"),
    `id: yard
name: Yard
timeZone: Africa/Nairobi
latitude: -1
longitude: 37
elevation: 1500
members: [{ id: house-01, name: Wanjiru }]
devices:
  - { id: tank, device: senml-pack, mounting: tank, connection: { kind: virtual } }
portal: { port: 8080 }
flows: {}
`,
  );
  said = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) =>
  flowsCommand()
    .exitOverride()
    .parseAsync(["token", ...args, "--site", join(folder, "site.yaml")], { from: "user" });

describe("fieldwatt flows token", () => {
  it("makes a token that a gateway knows, lists what it opens, and ends it", async () => {
    await run("add", "--name", "yard", "--streams", "*/tankLevel, tank/*", "--alerts");
    const token = /^fwf_[\w-]{43}/.exec(said[0] ?? "")?.[0] ?? "";
    await using tokens = openFlowTokens({
      folder: join(folder, "data"),
      wallNow: () => Date.now(),
      entropy: randomBytes,
    });
    expect(tokens.check(token)).toMatchObject({
      name: "yard",
      rights: { streams: ["*/tankLevel", "tank/*"], alerts: true, commands: [] },
    });
    await run("list");
    expect(said.at(-1)).toMatch(/^ {3}1 {2}yard .* until .* streams \*\/tankLevel,tank\/\*; alerts$/);
    await run("revoke", "1");
    expect(tokens.check(token)).toBeUndefined();
    await expect(run("revoke", "1")).rejects.toThrow("no good token 1");
  });
});
