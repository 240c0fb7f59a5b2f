import { once } from "node:events";
import { SerialPort } from "serialport";
import { describe, expect, it } from "vitest";
import {
  controllerFields,
  hexFrame,
  monitorBlocks,
  openController,
  textBlock,
  type ControllerView,
} from "./vedirect.ts";

/** Frame 1 of karioja/vedirect test/bluesolar_1.23.dump, a capture. */
const CAPTURED =
  "0d0a504944093078413034320d0a4657093132330d0a53455223094851313431314d59494b4e0d0a560931323533300d0a49093634300d0a5650560933313339300d0a50505609380d0a435309330d0a45525209300d0a4c4f4144094f4e0d0a494c09300d0a48313909383237320d0a48323009300d0a4832310931310d0a4832320932350d0a483233093131390d0a48534453093237340d0a436865636b73756d09b1";
const captured: ControllerView = {
  serial: "HQ1411MYIKN",
  batteryVoltage: 12.53,
  batteryCurrent: 0.64,
  panelVoltage: 31.39,
  panelPower: 8,
  loadCurrent: 0,
  yieldTotal: 82_720,
  yieldToday: 0,
  yieldYesterday: 250,
  maxToday: 11,
  maxYesterday: 119,
  batteryFull: false,
  daySequence: 274,
};

describe("a VE.Direct charge controller", () => {
  it("writes the captured block byte for byte", () => {
    expect(textBlock(controllerFields(captured)).toString("hex")).toBe(CAPTURED);
  });

  it("writes the captured HEX frame (frame 52 of the same dump)", () => {
    const line = ":A501000000000000000000000ED04C6040000000000C200000000000B0000000900C80D120172\n";
    expect(hexFrame(0xa, Buffer.from(line.slice(2, -3), "hex")).toString("latin1")).toBe(line);
  });

  it("writes the captured block of a battery monitor (frame 0 of karioja/vedirect test/bvm702.dump)", () => {
    const [first = []] = monitorBlocks({
      ...{ voltage: 12.065, current: -7.625, power: -92, stateOfCharge: 83.9, minutesLeft: 942 },
      ...{ missing: 65.473 * 12.065, discharged: 68_430, charged: 85_270 },
    });
    expect(textBlock(first).toString("hex")).toBe(
      "0d0a5049440930783230330d0a560931323036350d0a49092d373632350d0a50092d39320d0a4345092d36353437330d0a534f43093833390d0a545447093934320d0a416c61726d094f46460d0a52656c6179094f46460d0a415209300d0a424d56093730300d0a465709303330380d0a436865636b73756d0971",
    );
  });

  it("speaks unasked on its serial line", async () => {
    await using controller = await openController({ view: () => captured, periodMs: 10 });
    const port = new SerialPort({ path: controller.path, baudRate: 19_200 });
    let read = Buffer.alloc(0);
    while (!read.toString("hex").includes(CAPTURED))
      read = Buffer.concat([read, ...(await once(port, "data"))]);
    await new Promise<void>((resolve) => port.close(() => resolve()));
  });
});
