import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { messageOf } from "../domain/model/index.ts";
import { parseDeviceFile } from "./device-file.ts";
import { loadCatalogue, loadDefinitions } from "./index.ts";

const GOOD = `id: acme-meter
maker: Acme
model: meter
source: made by hand
modbus: { table: input }
points:
  voltage: { at: 0, as: uint16, unit: V }
`;
const fault = (text: string): string => {
  try {
    parseDeviceFile("acme.yaml", text);
    return "no error";
  } catch (error) {
    return messageOf(error);
  }
};

describe("a device file", () => {
  it.each([
    [
      "an unknown key",
      GOOD.replace("unit: V", "unit: V, sign: -1"),
      'acme.yaml:7:42: "sign" is not a known key here',
    ],
    [
      "a quantity that is none",
      GOOD.replace("voltage", "volts"),
      'acme.yaml:7:3: points.volts: "volts" is no quantity',
    ],
    [
      "a unit of another quantity",
      GOOD.replace("unit: V", "unit: kWh"),
      'acme.yaml:7:3: points.voltage: voltage cannot be given in "kWh"',
    ],
    [
      "too many registers in one reply",
      GOOD.replace("input }", "input, maxRegisters: 126 }"),
      "acme.yaml:5:25: modbus.maxRegisters",
    ],
    ["a type that is none", GOOD.replace("uint16", "u16"), "acme.yaml:7:21: points.voltage.as"],
    ["no way of speaking", GOOD.replace(/modbus.*\n/, ""), "acme.yaml:1:1: one of modbus, sunspec"],
    [
      "a key twice",
      GOOD + "  voltage: { at: 1, as: uint16, unit: V }\n",
      "acme.yaml:8:3: Map keys must be unique",
    ],
  ])("with %s names file, line and column", (_what, text, expected) => {
    expect(fault(text)).toContain(expected);
  });

  it("that is right has no error", () => {
    expect(fault(GOOD)).toBe("no error");
  });
});

describe("the catalogue", () => {
  it.each([
    ["eastron-sdm120", "eastron-sdm120"],
    ["SDM630", "eastron-sdm630"],
    ["pzem004t", "peacefair-pzem-004t-v3"],
    ["gx", "victron-gx"],
    ["victron-smartsolar", "victron-mppt"],
  ])("finds %s as %s", async (asked, id) => {
    expect((await loadCatalogue()).find(asked).id).toBe(id);
  });

  it("suggests near ids for one that it does not have", async () => {
    const catalogue = await loadCatalogue();
    expect(() => catalogue.find("eastron-sdm12")).toThrow(
      /no device "eastron-sdm12"; did you mean eastron-sdm120/,
    );
    expect(() => catalogue.find("nothing-like-it")).toThrow(/fieldwatt device list/);
  });

  it("knows every file by the names that stand in it", async () => {
    const catalogue = await loadCatalogue();
    for (const { id, aliases } of catalogue.all())
      expect([id, ...aliases].map((name) => catalogue.find(name).id)).toEqual([id, ...aliases].map(() => id));
  });

  it("checks a site's own files at once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fieldwatt-devices-"));
    await writeFile(join(folder, "acme.yaml"), GOOD.replace("unit: V", "unit: kWh"));
    await expect(loadCatalogue([folder])).rejects.toMatchObject({ code: "DEVICE_FILE_INVALID" });
    await rm(folder, { recursive: true });
  });

  it("reads a site's own folder too, and refuses an id that is there twice", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fieldwatt-devices-"));
    await writeFile(join(folder, "acme.yaml"), GOOD);
    expect((await loadCatalogue([folder])).find("acme-meter").maker).toBe("Acme");
    await writeFile(join(folder, "copy.yaml"), GOOD);
    await expect(loadCatalogue([folder])).rejects.toMatchObject({ code: "DEVICE_FILE_INVALID" });
    await rm(folder, { recursive: true });
  });
});

describe("the definitions of a site", () => {
  const load = (wanted: readonly string[], folders: readonly string[] = []) =>
    loadDefinitions(wanted, { folders });

  it("are those of the catalogue, by any of their names", async () => {
    const catalogue = await loadCatalogue();
    const names = catalogue.all().flatMap(({ id, aliases }) => [id, ...aliases]);
    const definitions = await load([...names, "SDM630", " gx "]);
    for (const name of [...names, "SDM630", " gx "])
      expect(definitions.find(name)).toStrictEqual(catalogue.find(name));
  });

  it("are no others", async () => {
    const definitions = await load(["eastron-sdm120"]);
    expect(() => definitions.find("eastron-sdm630")).toThrow('no device of the site is a "eastron-sdm630"');
  });

  it.each(["eastron-sdm12", "nothing-like-it", "", "meter"])(
    "tell of %j as the catalogue does",
    async (name) => {
      const catalogue = await loadCatalogue();
      const [definitions, told] = [await load([name]), (find: () => unknown) => messageOf(errorOf(find))];
      expect(told(() => definitions.find(name))).toBe(told(() => catalogue.find(name)));
    },
  );

  it("come after a site's own files were checked", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fieldwatt-devices-"));
    await writeFile(join(folder, "acme.yaml"), GOOD);
    expect((await load(["acme-meter"], [folder])).find("acme-meter").maker).toBe("Acme");
    await writeFile(join(folder, "acme.yaml"), GOOD.replace("unit: V", "unit: kWh"));
    await expect(load([], [folder])).rejects.toMatchObject({ code: "DEVICE_FILE_INVALID" });
    await rm(folder, { recursive: true });
  });

  it("can be remembered: each is the same after it was written and read", async () => {
    for (const definition of (await loadCatalogue()).all())
      expect(deserialize(serialize(definition))).toStrictEqual(definition);
  });
});

function errorOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
