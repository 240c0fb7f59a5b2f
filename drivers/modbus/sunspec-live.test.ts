import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { openModbusTcp } from "../../simulators/modbus/tcp.ts";
import type { ReplyFault } from "../../simulators/modbus/wire-faults.ts";
import { loadCatalogue, openModbusBus, type ModbusBus } from "../index.ts";

const catalogue = await loadCatalogue();
const inverter = catalogue.find("sunspec-inverter");
const TIMEOUT_MS = 250;
const UNIT = 1;

/**
 * By hand from sunspec/models json/model_103.json, model_160.json and model_713.json: models 103 (2,500 W), 160 (one
 * panel string of 1,200 W) and 713 (the battery at 85 %), in this order.
 */
const INVERTER = 2;
const STRINGS = INVERTER + 2 + 50;
const BATTERY = STRINGS + 2 + 28;
const END = BATTERY + 2 + 7;

function chainAt(base: number): Map<number, number> {
  const words = Array.from({ length: END + 2 }, () => 0x8000);
  const put = (at: number, ...row: number[]): void =>
    row.forEach((word, index) => (words[at + index] = word));
  put(0, 0x5375, 0x6e53);
  put(INVERTER, 103, 50);
  put(INVERTER + 14, 250, 1);
  put(STRINGS, 160, 28);
  put(STRINGS + 4, 0);
  put(STRINGS + 21, 1_200);
  put(BATTERY, 713, 7);
  put(BATTERY + 4, 85);
  put(BATTERY + 8, 0);
  put(END, 0xffff, 0);
  return new Map(words.map((word, index) => [base + index, word]));
}

const HEALTHY: ReplyFault = { delayMs: 0, copies: 1, foreign: false, damage: (bytes) => bytes };
interface Request {
  readonly at: number;
  readonly count: number;
}

/** A device with a chain at this base, whose fault depends on what it is asked for. */
async function openDevice(base: number, faultOf: (request: Request) => Partial<ReplyFault>) {
  const holding = chainAt(base);
  const asked: Request[] = [];
  const faults = {
    next: (): ReplyFault => ({ ...HEALTHY, ...faultOf(asked.at(-1) ?? { at: 0, count: 0 }) }),
  };
  const server = await openModbusTcp({
    host: "127.0.0.1",
    port: 0,
    units: new Map([[UNIT, { registers: () => ({ holding }), faults }]]),
    onRequest: (_unit, pdu) => {
      const view = Buffer.from(pdu);
      asked.push({ at: view.readUInt16BE(1), count: view.readUInt16BE(3) });
    },
  });
  return { port: server.port, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const busTo = (port: number): ModbusBus =>
  openModbusBus(
    { kind: "modbus-tcp", host: "127.0.0.1", port, unit: UNIT },
    { now: () => instant(1_781_524_800_000), timeoutMs: TIMEOUT_MS },
  );

const REFUSED_ADDRESS: Partial<ReplyFault> = { exception: 2 };
const REFUSED_FAILURE: Partial<ReplyFault> = { exception: 4 };
const SILENT: Partial<ReplyFault> = { copies: 0 };

const VALUES: readonly (readonly [model: number, place: number, expected: object])[] = [
  [103, INVERTER, { quantity: "activePower", value: 2_500 }],
  [160, STRINGS, { quantity: "activePower", channel: "pv1", value: 1_200 }],
  [713, BATTERY, { quantity: "stateOfCharge", channel: "battery", value: 85 }],
];
const WAYS = [
  ["is refused as an address", REFUSED_ADDRESS, "illegalAddress"],
  ["is refused as a failure", REFUSED_FAILURE, "unexpectedReply"],
  ["is never answered", SILENT, "unexpectedReply"],
] as const;

describe("a SunSpec chain with one model that cannot be read", () => {
  const rows = VALUES.flatMap(([model, place]) => WAYS.map((way) => [model, ...way, place] as const));
  it.each(rows)("model %i %s: the others are read all the same", async (_model, _way, fault, code, place) => {
    const isBad = ({ at, count }: Request): boolean => at === 40_000 + place && count > 2;
    await using device = await openDevice(40_000, (request) => (isBad(request) ? fault : {}));
    await using bus = busTo(device.port);
    for (const _cycle of [1, 2]) {
      const { samples, problems } = await bus.read(inverter, UNIT);
      for (const [, at, expected] of VALUES) {
        const found = expect(samples);
        if (at === place) found.not.toContainEqual(expect.objectContaining(expected));
        else found.toContainEqual(expect.objectContaining(expected));
      }
      expect(problems.map((problem) => problem.code)).toContain(code);
    }
    expect(device.asked.some(isBad)).toBe(true);
  });
});

describe("a slow SunSpec device that never answers a base that is not its own", () => {
  it.each([
    [40_000, 0],
    [0, 1],
    [50_000, 2],
  ])("is found at %i after %i readings without an answer", async (base, silent) => {
    const isOwn = ({ at }: Request): boolean => at >= base && at < base + END + 2;
    await using device = await openDevice(base, (request) => (isOwn(request) ? { delayMs: 40 } : SILENT));
    await using bus = busTo(device.port);
    for (let reading = 0; reading < silent; reading++)
      await expect(bus.read(inverter, UNIT)).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    const { samples } = await bus.read(inverter, UNIT);
    expect(samples).toContainEqual(expect.objectContaining({ quantity: "activePower", value: 2_500 }));
  });

  it("is found by the probes of a bus that has given it up", async () => {
    await using device = await openDevice(50_000, ({ at }) => (at >= 50_000 ? { delayMs: 40 } : SILENT));
    await using bus = busTo(device.port);
    const timeout = { code: "DEVICE_TIMEOUT" };
    await expect(bus.read(inverter, UNIT)).rejects.toMatchObject(timeout);
    await expect(bus.probe(inverter, UNIT)).rejects.toMatchObject(timeout);
    await bus.probe(inverter, UNIT);
    const { samples } = await bus.read(inverter, UNIT);
    expect(samples).toContainEqual(expect.objectContaining({ quantity: "activePower", value: 2_500 }));
  });
});
