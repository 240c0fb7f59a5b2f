import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { siteWith } from "../../test/support/site.ts";
import { loadSite } from "./load.ts";
import { siteSchema } from "./schema.ts";

/** A site with these connections, one device each. */
const problems = (...connections: object[]): string[] => {
  const devices = connections.map((connection) => ({ device: "eastron-sdm120", connection }));
  const result = siteSchema.safeParse(siteWith(devices));
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
};

const bridge = { kind: "modbus-rtu-over-tcp", host: "10.0.0.7", port: 502, unit: 1 };
const line = { kind: "modbus-rtu", path: "/dev/ttyUSB0", baudRate: 9_600, unit: 1 };

describe("the framing of a Modbus connection", () => {
  it.each([
    [{ kind: "modbus-tcp", host: "10.0.0.7" }],
    [bridge],
    [{ kind: "modbus-udp", host: "10.0.0.7" }],
    [line],
  ])("is its kind: %j", (connection) => {
    expect(problems(connection)).toEqual([]);
  });

  it.each([
    ["a kind that leaves it open", { kind: "modbus", host: "10.0.0.7" }],
    ["a bridge without its port", { kind: "modbus-rtu-over-tcp", host: "10.0.0.7", unit: 1 }],
    ["unit 248 behind a bridge", { ...bridge, unit: 248 }],
    ["a misspelt key", { ...line, baudrate: 9_600 }],
  ])("does not pass as %s", (_what, connection) => {
    expect(problems(connection)).not.toEqual([]);
  });
});

it("can be remembered: a site is the same after it was written and read", async () => {
  const site = await loadSite(join(import.meta.dirname, "..", "..", "examples", "site.yaml"));
  expect(deserialize(serialize(site))).toStrictEqual(site);
});
