import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkYamlFile } from "../../platform/yaml-file.ts";
import { siteSchema } from "./schema.ts";

/** `file:line: message` of a village whose devices are given as `id mounting [under] [member]`. */
async function told(...devices: string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "fieldwatt-tree-"));
  const rows = devices.map((text, i) => {
    const [id, mounting, under, member] = text.split(" ");
    const more = [under && under !== "-" ? `under: ${under}, ` : "", member ? `member: ${member}, ` : ""];
    return `  - { id: ${id}, device: x, mounting: ${mounting}, ${more.join("")}connection: { kind: modbus-tcp, host: h, unit: ${i + 1} } }`;
  });
  const head = [
    "id: v",
    "name: V",
    "timeZone: Africa/Nairobi",
    "latitude: 0",
    "longitude: 37",
    "elevation: 1600",
  ];
  const members = [
    "portal: { port: 0 }",
    "members: [{ id: m1, name: One }, { id: m2, name: Two }]",
    "devices:",
  ];
  const file = join(folder, "site.yaml");
  writeFileSync(file, [...head, ...members, ...rows].join("\n"));
  const { problems } = await checkYamlFile(file, siteSchema, "SITE_FILE_UNREADABLE");
  rmSync(folder, { recursive: true });
  // The first device is on line 10.
  return problems.map(({ line, message }) => `${line}: ${message.replace(/^devices\.\d+\.under: /, "")}`);
}

describe("the tree of devices", () => {
  it("may be as deep as a village is wired", async () => {
    const village = ["feeder grid", "house grid feeder m1", "roof solar house m1", "kitchen load house m1"];
    expect(await told(...village, "pump pump kitchen m1", "well pump feeder")).toEqual([]);
  });

  it.each([
    ["a parent that is not there", ["a grid b"], '10: there is no device "b" in devices'],
    ["a device under itself", ["a grid a"], '10: "a" is under itself, by way of "a"'],
    ["a circle", ["a grid b", "b grid a"], '10: "a" is under itself, by way of "b"'],
    [
      "a meter under a pump",
      ["p pump", "a grid p"],
      "11: a device of mounting grid cannot be under one of mounting pump",
    ],
    [
      "a sky under a meter",
      ["a grid", "s weather a"],
      "11: a device of mounting weather cannot be under one of mounting grid",
    ],
    ["another's device", ["a grid - m1", "b load a m2"], '11: "a" belongs to m1; what is under it does, too'],
  ])("refuses %s, with its line", async (_what, devices, message) => {
    expect((await told(...devices))[0]).toBe(message);
  });
});
