import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDevice as run } from "../test/support/terminal.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "fieldwatt-files-"))));
afterAll(() => rm(folder, { recursive: true }));

const ids = async (...args: string[]): Promise<string[]> =>
  (JSON.parse((await run("list", "--json", ...args)).out) as { id: string }[]).map(({ id }) => id);

describe("fieldwatt device list", () => {
  it.each([
    [["--maker", "eastron"], "eastron-sdm120", "peacefair-pzem-004t-v3"],
    [["--family", "mqtt"], "shelly-energy", "eastron-sdm120"],
    [["--quantity", "soilmoisture"], "zts-3000-tr-ws-n01", "eastron-sdm120"],
    [["--quantity", "soilMoisture", "--quantity", "soilTemperature"], "zts-3000-tr-ws-n01", "victron-mppt"],
    [["PZEM"], "peacefair-pzem-004t-v3", "victron-mppt"],
    [["smartsolar"], "victron-mppt", "victron-bmv"],
  ])("narrows by %j", async (args, there, gone) => {
    const found = await ids(...args);
    expect(found).toContain(there);
    expect(found).not.toContain(gone);
  });

  it("says what to do where nothing fits", async () => {
    expect((await run("list", "no-such-thing")).out).toMatch(/device new/);
  });
});

describe("fieldwatt device new", () => {
  it.each(["modbus", "mqtt", "vedirect"])("writes a %s file that passes its own test", async (family) => {
    const file = join(folder, `${family}.yaml`);
    expect((await run("new", "kisima-m1", "--family", family, "--file", file)).out).toMatch(/is written/);
    const { out, exitCode } = await run("test", file);
    expect(out).toMatch(/1 of 1 tests pass; no errors/);
    expect(exitCode).toBe(0);
  });

  it("leaves a file alone that is there", async () => {
    const file = join(folder, "mine.yaml");
    await writeFile(file, "mine");
    const { err, exitCode } = await run("new", "kisima-m1", "--file", file);
    expect(err).toMatch(/is there already/);
    expect(exitCode).toBe(1);
    expect(await readFile(file, "utf8")).toBe("mine");
  });

  it.each([["Kisima"], ["kisima"], ["-a-b"]])("refuses the id %j", async (id) => {
    expect((await run("new", "--file", join(folder, "never.yaml"), "--", id)).err).toMatch(/is no id/);
  });
});

describe("fieldwatt device test", () => {
  const FILE = `id: kisima-m1
maker: Kisima
model: M1
source: sheet
modbus: { table: input }
points:
  voltage: { at: 0, as: uint16, unit: V, scale: 0.1 }
tests:
  - origin: by hand
    registers: { 0: "0903" }
    gives: { voltage: 230.7 }
`;

  it.each([
    [
      "a value that differs",
      ["230.7", "230.8"],
      ':9:5: error: test "by hand": voltage: expected 230.8, found 230.7',
    ],
    [
      "a unit that does not fit",
      ["unit: V", "unit: W"],
      ":7:3: error: points.voltage: voltage cannot be given",
    ],
    ["a key that is not known", ["scale:", "scael:"], ":7:42: error: "],
    ["no test at all", [/tests:[^]*$/, "tests: []\n"], ":8:1: error: a device file needs at least one test"],
    ["an id that is not the maker's", ["id: kisima", "id: other"], ":1:1: error: the id must begin with"],
    ["YAML that is none", ["model: M1", "model: [M1"], ": error: "],
  ])("tells %s with line and column, and exit code 1", async (name, [from = "", to], said) => {
    const file = join(folder, `${name.replaceAll(" ", "-")}.yaml`);
    await writeFile(file, FILE.replace(from, String(to)));
    const { out, exitCode } = await run("test", file);
    expect(out).toContain(`${file}`);
    expect(out).toContain(said);
    expect(exitCode).toBe(1);
    const [report] = JSON.parse((await run("test", file, "--json")).out) as {
      ok: boolean;
      findings: object[];
    }[];
    expect(report?.ok).toBe(false);
    expect(report?.findings[0]).toMatchObject({ file, severity: "error" });
  });

  it("warns of a point that no test shows, and passes", async () => {
    const file = join(folder, "warned.yaml");
    await writeFile(file, FILE.replace("tests:", "  frequency: { at: 1, as: uint16, unit: Hz }\ntests:"));
    const { out, exitCode } = await run("test", file);
    expect(out).toContain("warning: no test shows frequency");
    expect(exitCode).toBe(0);
  });
});
