import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDevice } from "../test/support/terminal.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-decode-"));
  const registers = { input: { "0": ["4366", "3333"], "12": ["7FC0", "0000"] } };
  await writeFile(join(folder, "sdm120.json"), JSON.stringify(registers));
  await writeFile(join(folder, "broken.json"), "{");
  await writeFile(join(folder, "status.json"), '{"id":0,"apower":8.9}');
  await writeFile(join(folder, "mppt.bin"), MPPT);
});
afterAll(() => rm(folder, { recursive: true }));

/** By the rule of VE.Direct Protocol 3.34: the last byte makes the sum 0 modulo 256. */
const BODY = Buffer.from("\r\nPID\t0xA042\r\nV\t12530\r\nPPV\t8\r\nChecksum\t");
const MPPT = Buffer.concat([
  BODY,
  Buffer.of((256 - (BODY.reduce((sum, byte) => sum + byte, 0) % 256)) % 256),
]);

const run = (...args: string[]) =>
  runDevice(...args.map((arg) => (arg.endsWith(".json") || arg.endsWith(".bin") ? join(folder, arg) : arg)));
const decode = async (...args: string[]): Promise<unknown> => JSON.parse((await run("decode", ...args)).out);

describe("fieldwatt device decode", () => {
  it("prints the readings of a register file, and what is not a number as a problem", async () => {
    expect(await decode("--device", "eastron-sdm120", "--registers", "sdm120.json")).toEqual({
      device: "eastron-sdm120",
      readings: [{ quantity: "voltage", value: 230.2, unit: "V" }],
      problems: [{ code: "notANumber", detail: "activePower: 0x7fc00000 is not a number" }],
    });
  });

  it("prints a table where a person asks for one", async () => {
    const { out } = await run(
      "decode",
      "--device",
      "eastron-sdm120",
      "--registers",
      "sdm120.json",
      "--table",
    );
    expect(out.split("\n")).toEqual([
      "eastron-sdm120",
      "Quantity  Channel  Value  Unit  Quality  Time",
      "voltage            230.2  V     ok",
      "Problem: notANumber: activePower: 0x7fc00000 is not a number",
      "",
    ]);
  });

  it("prints the readings of a Modbus RTU request and its reply", async () => {
    const found = await decode(
      "--device",
      "sdm120",
      "--request",
      "01040000000271cb",
      "--frame",
      "01 04 04 43 66 33 34 1B 38",
    );
    expect(found).toMatchObject({
      readings: [{ quantity: "voltage", value: 230.2, unit: "V" }],
      problems: [],
    });
  });

  it("prints a problem, no reading and exit code 0 where the CRC is wrong", async () => {
    const { out, exitCode } = await run(
      "decode",
      "--device",
      "sdm120",
      "--request",
      "01040000000271CB",
      "--frame",
      "010404436633341B39",
    );
    expect(JSON.parse(out)).toMatchObject({ readings: [], problems: [{ code: "checksum" }] });
    expect(exitCode).toBe(0);
  });

  it.each([
    ["--bytes", "mppt.bin"],
    ["--hex", MPPT.toString("hex").toUpperCase()],
  ])(
    "prints a serial stream, and finds the device of a protocol that describes itself (%s)",
    async (option, value) => {
      expect(await decode("--protocol", "ve.direct", option, value)).toEqual({
        device: "victron-mppt",
        readings: [
          { quantity: "voltage", value: 12.53, unit: "V", channel: "battery" },
          { quantity: "activePower", value: 8, unit: "W", channel: "pv" },
        ],
        problems: [],
      });
    },
  );

  it("prints an MQTT message", async () => {
    const topic = "shellyplus1pm-a1/status/switch:0";
    expect(await decode("--device", "shelly-energy", "--topic", topic, "--payload", "status.json")).toEqual({
      device: "shelly-energy",
      readings: [{ quantity: "activePower", value: 8.9, unit: "W" }],
      problems: [],
    });
    expect(
      await decode("--device", "shelly-energy", "--topic", "a/b", "--payload", "status.json"),
    ).toMatchObject({
      readings: [],
      problems: [{ code: "unexpectedReply" }],
    });
  });

  it.each([
    [
      "an unknown device",
      ["--device", "eastron-sdm12", "--hex", "00"],
      /no device "eastron-sdm12"; did you mean eastron-sdm120/,
    ],
    ["an unknown protocol", ["--protocol", "smoke", "--hex", "00"], /no self-describing protocol "smoke"/],
    ["no device", ["--hex", "00"], /--device ID or --protocol NAME/],
    ["no input", ["--device", "sdm120"], /give one input/],
    [
      "a request without its reply",
      ["--device", "sdm120", "--request", "00"],
      /--request and --frame belong together/,
    ],
    [
      "a file that is not there",
      ["--device", "sdm120", "--registers", "none.json"],
      /none.json cannot be read/,
    ],
    [
      "a file that is not JSON",
      ["--device", "sdm120", "--registers", "broken.json"],
      /broken.json is not JSON/,
    ],
    [
      "a serial stream for a Modbus meter",
      ["--device", "sdm120", "--hex", "00"],
      /does not talk on a serial port/,
    ],
  ])("says %s in one line, exit code 1", async (_what, args, text) => {
    const { out, err, exitCode } = await run("decode", ...args);
    expect(out).toBe("");
    expect(err).toMatch(text);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(exitCode).toBe(1);
  });
});

describe("fieldwatt device list and show", () => {
  it("list every device, as text and as JSON", async () => {
    expect((await run("list")).out).toMatch(/^eastron-sdm120 +modbus +Eastron: SDM120-Modbus$/m);
    const ids: unknown = JSON.parse((await run("list", "--json")).out);
    expect(ids).toContainEqual(expect.objectContaining({ id: "sunspec-inverter", speaks: "sunspec" }));
  });

  it("show where each value comes from", async () => {
    const { out } = await run("show", "pzem004t");
    expect(out).toMatch(/activePower +W +input register 3, uint32 CDAB/);
    expect(JSON.parse((await run("show", "sdm120", "--json")).out)).toMatchObject({
      id: "eastron-sdm120",
      maker: "Eastron",
    });
  });
});
