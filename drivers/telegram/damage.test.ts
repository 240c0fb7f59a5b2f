import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { p1Telegram } from "../../simulators/telegram/dsmr.ts";
import { dlt645Reply } from "../../simulators/telegram/dlt645.ts";
import { readout } from "../../simulators/telegram/iec62056.ts";
import { mbusTelegram } from "../../simulators/telegram/mbus.ts";
import { dataLine } from "../../simulators/telegram/sdi12.ts";
import { smlTelegram } from "../../simulators/telegram/sml.ts";
import type { ElectricityView } from "../../simulators/telegram/view.ts";
import { targetName } from "../value.ts";
import { openTelegramReader } from "./codecs.ts";
import type { TelegramOptions } from "./dialect.ts";
import type { IndexedTelegram, TelegramProtocol } from "./telegram.ts";

const SEED = 20260615;
const CASES = 100_000;
const view = (turn: number): ElectricityView => ({
  serial: "40000001",
  time: Date.UTC(2026, 5, 15, 10, 0, turn),
  imported: [1_234_567 + turn, 7_654_321],
  exported: [10, 20 + turn],
  power: 328 - 100 * turn,
  voltages: [230.1 + turn, 231.2, 229.9],
});
const TURNS = [0, 1, 2, 3, 4];

interface Case {
  readonly protocol: TelegramProtocol;
  readonly telegrams: readonly Buffer[];
  readonly options?: TelegramOptions;
  /** Bytes that a reader may hold: the longest telegram of the protocol, and one chunk. */
  readonly held: number;
  /** Whether a piece cut out of the middle is found by the check: a sum or an XOR of bytes misses some. */
  readonly seesCuts: boolean;
}

const CASES_OF: Case[] = [
  { protocol: "dsmr", telegrams: TURNS.map((turn) => p1Telegram(view(turn))), held: 20_480, seesCuts: true },
  {
    protocol: "sml",
    telegrams: TURNS.map((turn) => smlTelegram({ view: view(turn) })),
    held: 12_288,
    seesCuts: true,
  },
  {
    protocol: "iec62056-21",
    telegrams: TURNS.map((turn) => readout(view(turn))),
    held: 20_480,
    seesCuts: false,
  },
  {
    protocol: "mbus",
    telegrams: TURNS.map((turn) => mbusTelegram({ serial: "12345678", volume: 1_234_567 + turn })),
    held: 4_400,
    seesCuts: true,
  },
  {
    protocol: "dlt645",
    telegrams: TURNS.map((turn) => dlt645Reply(turn % 2 ? "02030000" : "00010000", view(turn))),
    held: 4_400,
    seesCuts: true,
  },
  {
    protocol: "sdi12",
    telegrams: TURNS.map((turn) =>
      Buffer.from(dataLine({ address: "0", values: [20.5 + turn, -3.25, 410] }, true)),
    ),
    options: {
      crc: true,
      points: [
        { quantity: "soilMoisture", value: 1, unit: "%VWC", scale: 1 },
        { quantity: "soilTemperature", value: 2, unit: "°C", scale: 1 },
        { quantity: "soilConductivity", value: 3, unit: "µS/cm", scale: 1 },
      ],
    },
    held: 4_400,
    seesCuts: true,
  },
];

const said = (telegrams: readonly IndexedTelegram[]): string[] =>
  telegrams.flatMap(({ samples }) => samples.map((sample) => `${targetName(sample)} ${sample.value}`));

describe.each(CASES_OF)("$protocol", ({ protocol, telegrams, options, held, seesCuts }) => {
  const read = (bytes: Uint8Array, size = bytes.length || 1) => {
    const reader = openTelegramReader(protocol, options);
    const found: IndexedTelegram[] = [];
    let most = 0;
    for (let at = 0; at < bytes.length; at += size) {
      found.push(...reader.push(bytes.subarray(at, at + size)));
      most = Math.max(most, reader.pending());
    }
    found.push(...reader.end());
    expect(most).toBeLessThanOrEqual(held);
    return found;
  };
  const truths = telegrams.map((telegram) => new Set(said(read(telegram))));

  it("reads every telegram of an undamaged stream, however it is cut into chunks", () => {
    const stream = Buffer.concat(telegrams);
    const whole = said(read(stream));
    expect(whole.length).toBe(truths.reduce((sum, truth) => sum + truth.size, 0));
    for (const size of [1, 7, 64, 1_000]) expect(said(read(stream, size))).toEqual(whole);
  });

  it("never says a wrong value, never throws and never grows, whatever one damage and noise do", () => {
    const damage = fc.record({
      which: fc.nat(telegrams.length - 1),
      kind: fc.constantFrom("flip", "cut", "head", "tail", "insert"),
      at: fc.nat(),
      count: fc.integer({ min: 1, max: 40 }),
      bit: fc.nat(7),
      noise: fc.uint8Array({ maxLength: 12 }),
    });
    const property = fc.property(damage, ({ which, kind, at, count, bit, noise }) => {
      const telegram = Buffer.from(telegrams[which] ?? []);
      const place = at % telegram.length;
      const end = Math.min(place + count, telegram.length);
      let damaged: Uint8Array = telegram;
      if (kind === "flip") telegram[place] = (telegram[place] ?? 0) ^ (1 << bit);
      else if (kind === "head") damaged = telegram.subarray(place);
      else if (kind === "tail") damaged = telegram.subarray(0, place);
      else if (kind === "cut" && seesCuts)
        damaged = Buffer.concat([telegram.subarray(0, place), telegram.subarray(end)]);
      else if (kind === "insert" && seesCuts)
        damaged = Buffer.concat([telegram.subarray(0, place), noise, telegram.subarray(place)]);
      const truth = truths[which] ?? new Set();
      for (const one of said(read(Buffer.concat([noise, damaged, noise]))))
        if (!truth.has(one)) throw new Error(`said ${one}`);
    });
    fc.assert(property, { seed: SEED, numRuns: CASES });
  }, 120_000);

  it("reads the telegrams before and after a damaged one, whose index they keep", () => {
    const [first, second, third] = telegrams as [Buffer, Buffer, Buffer];
    const damaged = Buffer.from(second);
    const middle = Math.floor(damaged.length / 2);
    damaged[middle] = (damaged[middle] ?? 0) ^ 1;
    const found = read(Buffer.concat([first, damaged, third]));
    expect(new Set(said(found))).toEqual(new Set([...(truths[0] ?? []), ...(truths[2] ?? [])]));
    expect(found.flatMap(({ problems }) => problems.map(({ code }) => code))).toEqual(["checksum"]);
    expect(found.filter(({ samples }) => samples.length > 0).map(({ index }) => index)).toEqual([0, 2]);
  });

  it("does not grow on noise, and reads the telegram after it", () => {
    const [telegram = Buffer.alloc(0)] = telegrams;
    for (const byte of [0x00, 0x1b, 0x68, 0x2f, 0x02, 0xff, telegram[0] ?? 0]) {
      const noise = Buffer.alloc(100_000, byte);
      const found = said(read(Buffer.concat([noise, telegram, telegram]), 4_096));
      expect(found.length, `after 0x${byte.toString(16)}`).toBeGreaterThan(0);
      expect(found.every((one) => truths[0]?.has(one))).toBe(true);
    }
  });
});
