import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { loadCatalogue } from "../../drivers/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { findSheet } from "../../simulators/device/sheet.ts";
import { openPtyPair } from "../../simulators/pty.ts";
import { openSerialTalker } from "../../simulators/talkers.ts";
import { scanBus } from "../device-scan.ts";

/** Pseudo-terminals with the fakes of simulators/, which have encoders of their own and put the parity on the line. */
let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "fieldwatt-scan-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const set = {
  activePower: -1_250,
  "voltage.L1": 231.2,
  waterVolume: 269_000,
  soilMoisture: 0.275,
  soilTemperature: -1.6,
};
const options = { seed: 1, clock: new ManualClock(instant(1_781_524_800_000)), periodMs: 100, set };
const definitions = (await loadCatalogue()).all();

const scan = (path: string, { listen, baud }: { listen: number; baud?: readonly number[] }, ms = 60_000) =>
  scanBus({ kind: "serial", path }, definitions, {
    units: [1],
    rate: 1_000,
    timeout: 30,
    listen,
    ...(baud && { baud }),
    context: { signal: AbortSignal.timeout(ms), progress: () => undefined },
  });

describe("device scan hears a meter that talks", () => {
  it.each([
    ["dsmr-p1-v2", 9_600, "9600 7E1", "DSMR P1 telegrams"],
    ["iec-62056-21-push", 9_600, "9600 7E1", "IEC 62056-21 telegrams"],
    ["iec-62056-21-push", 2_400, "2400 7E1", "IEC 62056-21 telegrams"],
    ["dsmr-p1", 115_200, "115200 8N1", "DSMR P1 telegrams"],
    ["sml-meter", 9_600, "9600 8N1", "SML telegrams"],
  ])("%s at %d baud, %s", async (device, baudRate, where, says) => {
    await using talker = await openSerialTalker(findSheet(device), join(folder, "line"), options);
    const { found, notes } = await scan(talker.address, { listen: 0.6, baud: [baudRate] });
    const [heard] = found;
    expect(heard).toMatchObject({ where, says, baudRate });
    const guess = heard?.guesses.find((one) => one.device === device);
    expect(guess).toMatchObject({ score: 1, values: { activePower: -1_250 } });
    expect(notes.join()).toMatch(/no Modbus was tried/);
  });

  it("names the file of the line that was heard first, of several that read the same telegram", async () => {
    await using talker = await openSerialTalker(findSheet("dsmr-p1-v2"), join(folder, "line"), options);
    const { found } = await scan(talker.address, { listen: 0.6, baud: [9_600] });
    expect(found[0]?.guesses[0]?.device).toBe("dsmr-p1-v2");
    // A file of eight data bits would read nothing there.
    expect(found[0]?.guesses.map(({ device }) => device)).not.toContain("dsmr-p1");
  });
});

describe("device scan asks a meter that keeps still", () => {
  it.each([
    ["iec-62056-21", 300, "300 7E1", /^iec62056-21/, { activePower: -1_250, "voltage.L1": 231.2 }],
    ["dlt-645-2007", 2_400, "2400 8E1", /^dlt645/, { "voltage.L1": 231.2 }],
    ["m-bus-meter", 2_400, "2400 8E1", /^mbus/, { waterVolume: 269_000 }],
    ["acclima-tdr-315", 1_200, "1200 7E1 address 0", /^SDI-12: 13FIELDWAT/, { soilMoisture: 0.275 }],
  ])("%s at %d baud", async (device, baudRate, where, says, values) => {
    await using talker = await openSerialTalker(findSheet(device), join(folder, "line"), options);
    const ask = () => scan(talker.address, { listen: 0.05, baud: [baudRate] });
    const first = await ask();
    expect(first.complete).toBe(true);
    // A machine that stands still for 200 ms does not hear the answer.
    const { found } = first.found.length > 0 ? first : await ask();
    expect(found).toMatchObject([{ where, baudRate, says: expect.stringMatching(says) as string }]);
    expect(found[0]?.guesses[0]).toMatchObject({ device, values });
  });

  it("and ends at its time limit, in the middle of a question", async () => {
    await using pty = await openPtyPair();
    const heard: Buffer[] = [];
    const question = new AbortController();
    pty.onData((bytes) => {
      heard.push(Buffer.from(bytes.map((byte) => byte & 0x7f)));
      if (Buffer.concat(heard).includes("/?!\r\n")) question.abort();
    });
    const report = await scanBus({ kind: "serial", path: pty.path }, definitions, {
      units: [1],
      rate: 1_000,
      timeout: 30,
      listen: 0.05,
      baud: [300],
      context: { signal: question.signal, progress: () => undefined },
    });
    expect(report).toMatchObject({ complete: false, found: [] });
  });
});
