import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { openPtyPair, type PtyPair } from "../../simulators/pty.ts";
import { dlt645Answer } from "../../simulators/telegram/dlt645.ts";
import { p1Telegram } from "../../simulators/telegram/dsmr.ts";
import { answerOf, pushed, withParity } from "../../simulators/telegram/iec62056.ts";
import { mbusAnswer } from "../../simulators/telegram/mbus.ts";
import { sdiAnswer } from "../../simulators/telegram/sdi12.ts";
import { smlTelegram } from "../../simulators/telegram/sml.ts";
import { METER_VIEW } from "../../test/support/telegrams.ts";
import type { Decoded } from "../driver.ts";
import { loadCatalogue, openSerialStream } from "../index.ts";
import { targetName } from "../value.ts";
import { openTelegramBus } from "./bus.ts";

/** Real pseudo-terminals, with the fakes of simulators/, which have encoders of their own. */
const catalogue = await loadCatalogue();
const NOW = instant(1_750_000_000_000);
const now = () => NOW;

const values = ({ samples }: Decoded): Record<string, number> =>
  Object.fromEntries(samples.map((sample) => [targetName(sample), sample.value]));

describe("a meter that speaks by itself", () => {
  it.each([
    ["dsmr-p1", p1Telegram(METER_VIEW)],
    ["sml-meter", smlTelegram({ view: METER_VIEW })],
    ["iec-62056-21-push", withParity(pushed(METER_VIEW))],
  ])("%s is heard, from the middle of a telegram on", async (device, telegram) => {
    await using pty = await openPtyPair();
    const heard: Decoded[] = [];
    const faults: unknown[] = [];
    const done = Promise.withResolvers<undefined>();
    await using _stream = openSerialStream({ kind: "serial", path: pty.path }, catalogue.find(device), {
      now,
      onDecoded: (decoded) => {
        if (heard.push(decoded) === 2) done.resolve(undefined);
      },
      onFault: (error) => faults.push(error),
    });
    pty.write(telegram.subarray(40));
    const timer = setInterval(() => pty.write(telegram), 30);
    await done.promise.finally(() => clearInterval(timer));
    expect(values(heard[0] ?? { samples: [], problems: [] })).toMatchObject({
      activePower: 328,
      "voltage.L2": 231.2,
      activeEnergyImport: 8_888_880,
    });
    expect(heard[0]?.samples.every(({ time }) => time === NOW)).toBe(true);
    expect(faults).toEqual([]);
  });
});

/** Answers each whole message of the reader. */
function answering(pty: PtyPair, answer: (message: Buffer) => Uint8Array | string | undefined): void {
  let message = Buffer.alloc(0);
  pty.onData((bytes) => {
    message = Buffer.concat([message, bytes]);
    const reply = answer(message);
    if (reply === undefined) return;
    message = Buffer.alloc(0);
    const sent = typeof reply === "string" ? Buffer.from(reply, "latin1") : reply;
    pty.write(sent);
  });
}
const plain = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte & 0x7f));

const WATER = { serial: "12345678", volume: 269_000 };
const PROBE = { address: "3", values: [27.5, 18.6, 15.2, 410, 1_900] };

const ASKED = [
  {
    device: "iec-62056-21",
    // The rate that the fake offers: a change drops what has come, and a fake does not wait for it as a meter does.
    baudRate: 9_600,
    answer: (message: Buffer) => {
      const reply = answerOf(plain(message).toString("latin1"), METER_VIEW);
      return reply && withParity(reply);
    },
    gives: { activeEnergyImport: 8_888_880, activePower: 328, "voltage.L1": 230.1 },
  },
  {
    device: "m-bus-meter",
    address: "7",
    answer: (message: Buffer) => mbusAnswer(message, WATER, 7),
    gives: { waterVolume: 269_000 },
  },
  {
    device: "dlt-645-2007",
    address: "40000001",
    answer: (message: Buffer) => (message.at(-1) === 0x16 ? dlt645Answer(message, METER_VIEW) : undefined),
    gives: { activeEnergyImport: 8_888_880, activeEnergyExport: 30, "voltage.L3": 229.9 },
  },
  {
    device: "acclima-tdr-315",
    address: "3",
    answer: (message: Buffer) => {
      const reply = sdiAnswer(plain(message).toString("latin1"), PROBE);
      return reply === undefined ? undefined : withParity(Buffer.from(reply));
    },
    gives: { soilMoisture: 0.275, soilTemperature: 18.6, soilConductivity: 410 },
  },
];

describe("a meter that is asked", () => {
  it.each(ASKED)(
    "$device answers on a line of its own speed",
    async ({ device, address, answer, gives, baudRate }) => {
      await using pty = await openPtyPair();
      answering(pty, answer);
      await using bus = openTelegramBus({ now });
      const connection = { kind: "serial", path: pty.path, address, baudRate } as const;
      const signal = new AbortController().signal;
      const first = await bus.read(catalogue.find(device), connection, signal);
      expect(values(first)).toMatchObject(gives);
      expect(first.samples.every(({ time }) => time === NOW)).toBe(true);
      expect(values(await bus.read(catalogue.find(device), connection, signal))).toEqual(values(first));
    },
  );

  it("is not there: a time-out, and the next meter of the line is read all the same", async () => {
    await using pty = await openPtyPair();
    answering(pty, (message) => mbusAnswer(message, WATER, 7) ?? (message.length >= 5 ? "" : undefined));
    await using bus = openTelegramBus({ now });
    const read = (address: string) =>
      bus.read(
        catalogue.find("m-bus-meter"),
        { kind: "serial", path: pty.path, address },
        new AbortController().signal,
      );
    await expect(read("9")).rejects.toMatchObject({ code: "DEVICE_TIMEOUT" });
    expect(values(await read("7"))).toEqual({ waterVolume: 269_000 });
  });

  it("has a neighbour that answers in its place, and is not taken for it", async () => {
    await using pty = await openPtyPair();
    answering(pty, (message) => {
      if (message.length < 5) return undefined;
      const forOther = Uint8Array.of(0x10, message[1] ?? 0, 9, 0, 0x16);
      return mbusAnswer(forOther, { ...WATER, volume: 1 }, 9);
    });
    await using bus = openTelegramBus({ now });
    const connection = { kind: "serial", path: pty.path, address: "7" } as const;
    await expect(
      bus.read(catalogue.find("m-bus-meter"), connection, new AbortController().signal),
    ).rejects.toMatchObject({ code: "DEVICE_GARBLED" });
  });

  it("is given up at once when the reading is called off", async () => {
    await using pty = await openPtyPair();
    await using bus = openTelegramBus({ now });
    const stop = new AbortController();
    const reading = bus.read(catalogue.find("iec-62056-21"), { kind: "serial", path: pty.path }, stop.signal);
    setTimeout(() => stop.abort(new Error("called off")), 100);
    await expect(reading).rejects.toThrow("called off");
  });
});
