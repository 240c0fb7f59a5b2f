import { execFile } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { checkYamlFile, valueOf } from "../platform/yaml-file.ts";
import { votedPolicy } from "../protocol/policy.ts";
import { decodeRegisters, loadCatalogue, parseRegisters } from "../drivers/index.ts";
import { loadHubConfig } from "../federation/hub-file.ts";
import { checkSite } from "../gateway/site/check.ts";
import { hubKeyProblems } from "../gateway/governance/hub-key.ts";
import { loadSite } from "../gateway/site/load.ts";

/** What the documents promise: their links lead somewhere, their commands exist, their examples are right. */
const root = join(import.meta.dirname, "..");
const documents = globSync(["*.md", "docs/**/*.md"], { cwd: root }).toSorted();
const text = (document: string): string => readFileSync(join(root, document), "utf8");

/** Without fenced code; headings become anchors as GitHub makes them. */
const prose = (document: string): string => text(document).replace(/^```[\s\S]*?^```/gm, "");
const anchors = (document: string): string[] =>
  [...prose(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

function brokenLinks(document: string): string[] {
  const targets = [...prose(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? document : join(dirname(document), path);
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && !anchors(file).includes(anchor);
  });
}

/** Command lines in fenced shell code and in inline code, as words after `fieldwatt`; `npm start --` is the demo. */
function commandLines(document: string): string[][] {
  const shell = [...text(document).matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, code = ""]) =>
    code.split("\n"),
  );
  const inline = [...prose(document).matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  return [...shell, ...inline].flatMap((line) => {
    const [, command] = /^(?:npx |sudo -u fieldwatt )?fieldwatt ((?!…).*)$/.exec(line) ?? [];
    const [, options] = /^npm start -- (.*)$/.exec(line) ?? [];
    const words = command ?? (options === undefined ? undefined : `demo ${options}`);
    return words === undefined ? [] : [words.replace(/"[^"]*"/g, "TEXT").split(/\s+/)];
  });
}

const helps = new Map<string, Promise<string>>();
function helpOf(path: readonly string[]): Promise<string> {
  const key = path.join(" ");
  const run = async (): Promise<string> =>
    (await promisify(execFile)(process.execPath, [join(root, "cli", "main.ts"), ...path, "--help"])).stdout;
  const help = helps.get(key) ?? run();
  helps.set(key, help);
  return help;
}

/** The first word that the command's help does not know, or undefined. */
async function unknownWord(
  words: readonly string[],
  path: readonly string[] = [],
): Promise<string | undefined> {
  const help = await helpOf(path);
  const [word = "", ...rest] = words;
  // A command with subcommands may also run by itself, with options of its own, or be named alone.
  if (/^Commands:$/m.test(help) && word !== "" && !word.startsWith("--")) {
    const known = new RegExp(`^  ${word} `, "m").test(help.slice(help.indexOf("Commands:")));
    return known ? unknownWord(rest, [...path, word]) : word;
  }
  return words.find((option) => option.startsWith("--") && !new RegExp(`${option}\\b`).test(help));
}

describe.each(documents)("%s", (document) => {
  it("has no link or image that leads nowhere", () => {
    expect(brokenLinks(document)).toEqual([]);
  });

  it("names source files that exist", () => {
    const named = [...prose(document).matchAll(/`([a-z][\w./-]*\/[\w.-]+\.(?:ts|mjs|yaml|service|json))`/g)];
    expect(named.map(([, file = ""]) => file).filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it("names commands and options that fieldwatt has", { timeout: 60_000 }, async () => {
    const lines = await Promise.all(
      commandLines(document).map(async (words) => ({ words, unknown: await unknownWord(words) })),
    );
    const found = lines.flatMap(({ words, unknown }) =>
      unknown === undefined ? [] : [`${unknown} in: fieldwatt ${words.join(" ")}`],
    );
    expect(found).toEqual([]);
  });
});

describe("the documents", () => {
  it("are found, with their command lines", () => {
    expect(documents).toContain("docs/installer.md");
    expect(commandLines("docs/operator.md")).toContainEqual(["hub", "run", "--config", "hub.yaml"]);
  });

  it("fail this test when they name an option that does not exist", { timeout: 60_000 }, async () => {
    expect(await unknownWord(["device", "list", "--colour"])).toBe("--colour");
    expect(await unknownWord(["device", "paint"])).toBe("paint");
  });
});

describe("the examples", () => {
  const example = (file: string): string => join(root, "examples", file);
  const votedExample = async () =>
    valueOf(
      await checkYamlFile(example("policy.yaml"), votedPolicy, "POLICY_FILE_INVALID"),
      "POLICY_FILE_INVALID",
    );

  it("of the site file has no errors and names devices that exist", async () => {
    expect(await checkSite(example("site.yaml"))).toEqual([]);
    const [site, catalogue] = [await loadSite(example("site.yaml")), await loadCatalogue()];
    expect(site.devices.map(({ device }) => catalogue.find(device).id)).toEqual(
      site.devices.map(({ device }) => device),
    );
  });

  it("of policy and hub are right, and one names the other as recipient", async () => {
    const site = await loadSite(example("site.yaml"));
    const [policy, hub] = [await votedExample(), await loadHubConfig(example("hub.yaml"))];
    expect(policy.offers.map(({ recipient }) => recipient)).toEqual([hub.id, hub.id]);
    expect(site.hub?.id).toBe(hub.id);
    expect(hubKeyProblems(policy, site.hub)).toEqual([]);
  });

  it("of a device file decodes what CONTRIBUTING.md shows", async () => {
    const catalogue = await loadCatalogue([example("devices")]);
    const [shown = ""] = /\{"holding".*\}\}/.exec(text("CONTRIBUTING.md")) ?? [];
    const { samples } = decodeRegisters(catalogue.find("acme-m1"), parseRegisters(JSON.parse(shown)));
    // 0x08fc is 2300 tenths of a volt; 0x044c is 1100 W.
    expect(samples.map(({ quantity, value }) => [quantity, value])).toEqual([
      ["voltage", 230],
      ["activePower", 1100],
    ]);
  });

  it("tells line and column of an error, as the guides say", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fieldwatt-docs-"));
    const file = join(folder, "site.yaml");
    writeFileSync(
      file,
      readFileSync(example("site.yaml"), "utf8").replace("mounting: soil", "mountain: soil"),
    );
    const problems = await checkSite(file);
    rmSync(folder, { recursive: true });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every(({ line, column }) => line > 1 && column > 0)).toBe(true);
  });
});
