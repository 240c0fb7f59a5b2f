import { toIso, unitOf, type Sample } from "../domain/model/index.ts";
import { bytesFromHex, type Decoded, type IndexedTelegram, type TelegramProtocol } from "../drivers/index.ts";

/** How people write the protocols of meter telegrams. */
const NAMES: Readonly<Record<string, TelegramProtocol>> = {
  dsmr: "dsmr",
  p1: "dsmr",
  "dsmr-p1": "dsmr",
  sml: "sml",
  "iec62056-21": "iec62056-21",
  "iec-62056-21": "iec62056-21",
  iec62056: "iec62056-21",
  mbus: "mbus",
  "m-bus": "mbus",
  dlt645: "dlt645",
  "dl/t645": "dlt645",
  "dlt645-1997": "dlt645",
  "dlt645-2007": "dlt645",
  sdi12: "sdi12",
  "sdi-12": "sdi12",
};

export const telegramProtocol = (name: string | undefined): TelegramProtocol | undefined =>
  NAMES[name?.toLowerCase().replaceAll(" ", "") ?? ""];

const BINARY: readonly TelegramProtocol[] = ["sml", "mbus", "dlt645"];
const HEX_TEXT = /^[0-9a-f\s]+$/i;

/** A recording of a binary protocol may have been kept as hex text: no telegram of these is made of such bytes. */
export function recordedBytes(protocol: TelegramProtocol | undefined, bytes: Uint8Array): Uint8Array {
  if (protocol === undefined || !BINARY.includes(protocol)) return bytes;
  const text = new TextDecoder().decode(bytes);
  const isHex = HEX_TEXT.test(text) && text.replace(/\s/g, "").length % 2 === 0 && text.trim() !== "";
  return isHex ? bytesFromHex(text) : bytes;
}

export interface ReadingReport {
  readonly quantity: string;
  readonly value: number;
  readonly unit: string;
  readonly channel?: string;
  /** Only where the device stamped the value itself. */
  readonly time?: string;
  /** Only where the value must not be taken as it is: `implausible`, `estimated`, … */
  readonly quality?: string;
  /** Where the input holds several telegrams: which one it is of, from 0. */
  readonly index?: number;
}

export const readingOf = ({ quantity, value, channel, time, quality }: Sample): ReadingReport => ({
  quantity,
  value,
  unit: unitOf(quantity),
  ...(channel !== undefined && { channel }),
  ...(time !== undefined && { time: toIso(time) }),
  ...(quality !== undefined && quality !== "ok" && { quality }),
});

/** What each telegram says of its sender, and every value under its own name. */
export type TelegramReport = Record<string, unknown> & { readonly index: number };

export interface TelegramsReport {
  readonly readings: readonly ReadingReport[];
  readonly problems: Decoded["problems"];
  readonly telegrams: readonly TelegramReport[];
}

/** The readings of all telegrams, each with the index of its own where there are several. */
export function telegramsReport(telegrams: readonly IndexedTelegram[]): TelegramsReport {
  const several = telegrams.some(({ index }) => index > 0);
  return {
    readings: telegrams.flatMap(({ samples, index }) =>
      samples.map((sample) => ({ ...readingOf(sample), ...(several && { index }) })),
    ),
    problems: telegrams.flatMap(({ problems, index }) =>
      problems.map(({ code, detail }) => ({
        code,
        detail: several ? `telegram ${index}: ${detail}` : detail,
      })),
    ),
    telegrams: telegrams
      .filter(({ records, about }) => records.length > 0 || Object.keys(about).length > 0)
      .map(({ index, about, records }) => ({ index, ...about, records })),
  };
}
