import { unitOf, type Quantity, type Sample } from "../../domain/model/index.ts";
import type { Problem } from "../driver.ts";
import { scaled, targetName, targetOf, type Target } from "../value.ts";
import { findDlt645, LONGEST_DLT645, openDlt645, type Dlt645Frame } from "./dlt645-frame.ts";
import { withProblem, type Codec, type DecodedTelegram, type TelegramRecord } from "./telegram.ts";

/**
 * DL/T 645, editions 1997 and 2007: what a reply's data identification means. Energies end in the tariff (00 is the
 * whole, FF is the whole and all tariffs one after another), phases are L1 to L3. In 2007 the highest bit of currents,
 * powers and power factors is their sign (annex A, table A.3, note).
 */
interface Item extends Target {
  readonly bytes: number;
  readonly scale: number;
  /** The highest bit is the sign. */
  readonly signed: boolean;
}

const item = (
  quantity: Quantity,
  channel: string | undefined,
  form: readonly [number, number, boolean],
): Item => ({
  quantity,
  ...(channel !== undefined && { channel }),
  bytes: form[0],
  scale: form[1],
  signed: form[2],
});

const PHASES = [undefined, "L1", "L2", "L3"];
const MAX_TARIFF = 8;
/** XXXXXX.XX kWh in four bytes. */
const ENERGY = [4, 10, false] as const;

type Series = readonly [
  prefix: string,
  suffix: string,
  quantity: Quantity,
  form: readonly [number, number, boolean],
];

const ENERGIES_2007: readonly Series[] = [
  ["0001", "00", "activeEnergyImport", ENERGY],
  ["0002", "00", "activeEnergyExport", ENERGY],
];
const PHASE_ENERGIES_2007: readonly (readonly [string, Quantity, string])[] = [
  ["00150000", "activeEnergyImport", "L1"],
  ["00290000", "activeEnergyImport", "L2"],
  ["003d0000", "activeEnergyImport", "L3"],
  ["00160000", "activeEnergyExport", "L1"],
  ["002a0000", "activeEnergyExport", "L2"],
  ["003e0000", "activeEnergyExport", "L3"],
];
/** Without a whole: the series begins with phase L1. */
const PHASED: readonly Series[] = [
  ["0201", "00", "voltage", [2, 0.1, false]],
  ["0202", "00", "current", [3, 0.001, true]],
  ["b61", "", "voltage", [2, 1, false]],
  ["b62", "", "current", [2, 0.01, false]],
];
const WITH_WHOLE: readonly Series[] = [
  ["0203", "00", "activePower", [3, 0.1, true]],
  ["0204", "00", "reactivePower", [3, 0.1, true]],
  ["0205", "00", "apparentPower", [3, 0.1, true]],
  ["0206", "00", "powerFactor", [2, 0.001, true]],
  ["b63", "", "activePower", [3, 0.1, false]],
  ["b65", "", "powerFactor", [2, 0.001, false]],
];
const ENERGIES_1997: readonly Series[] = [
  ["901", "", "activeEnergyImport", ENERGY],
  ["902", "", "activeEnergyExport", ENERGY],
];

/** Every data identification that the house reads, as the items that its data is, one after another. */
const ITEMS: ReadonlyMap<string, readonly Item[]> = new Map([
  ...ENERGIES_2007.flatMap((series) => energies(series, 2)),
  ...ENERGIES_1997.flatMap((series) => energies(series, 1)),
  ...PHASED.flatMap((series) => phases(series, ["L1", "L2", "L3"], 1)),
  ...WITH_WHOLE.flatMap((series) => phases(series, PHASES, 0)),
  ...PHASE_ENERGIES_2007.map(([di, quantity, channel]): [string, Item[]] => [
    di,
    [item(quantity, channel, ENERGY)],
  ]),
  ["02800002", [item("frequency", undefined, [2, 0.01, false])]],
  ["02800007", [item("deviceTemperature", undefined, [2, 0.1, true])]],
]);

function energies([prefix, suffix, quantity, form]: Series, digits: number): [string, Item[]][] {
  const all = Array.from({ length: MAX_TARIFF + 1 }, (_, tariff) =>
    item(quantity, tariff === 0 ? undefined : `T${tariff}`, form),
  );
  const di = (tariff: string): string => prefix + tariff.padStart(digits, "0") + suffix;
  return [
    ...all.map((one, tariff): [string, Item[]] => [di(String(tariff)), [one]]),
    [di("f".repeat(digits)), all],
  ];
}

function phases(
  [prefix, suffix, quantity, form]: Series,
  channels: readonly (string | undefined)[],
  first: number,
): [string, Item[]][] {
  const digits = suffix === "" ? 1 : 2;
  const all = channels.map((channel) => item(quantity, channel, form));
  const di = (number: string): string => prefix + number + suffix;
  return [
    ...all.map((one, index): [string, Item[]] => [di(String(index + first).padStart(digits, "0")), [one]]),
    [di("f".repeat(digits)), all],
  ];
}

const REPLY = 0x80;
const ERROR = 0x40;
const FUNCTION = 0x1f;
/** Bytes of the data identification, by the function code of "read data". */
const DI_BYTES: Readonly<Record<number, number>> = { 0x01: 2, 0x11: 4 };

function decode(raw: Uint8Array): DecodedTelegram | undefined {
  const frame = openDlt645(raw);
  if (!(frame.control & REPLY)) return undefined;
  const bytes = DI_BYTES[frame.control & FUNCTION];
  if (frame.control & ERROR) return refused(frame);
  if (bytes === undefined || frame.data.length < bytes)
    return { samples: [], problems: [], about: { id: frame.address }, records: [] };
  const di = Buffer.from(frame.data.subarray(0, bytes).toReversed()).toString("hex");
  const content = frame.data.subarray(bytes);
  const about = { id: frame.address, item: di };
  const known = ITEMS.get(di);
  if (!known) {
    const value = Buffer.from(content.toReversed()).toString("hex");
    return { samples: [], problems: [], about, records: [{ name: di, value }] };
  }
  return { ...values(di, known, content), about };
}

function refused({ address, data }: Dlt645Frame): DecodedTelegram {
  const error = Buffer.from(data.subarray(0, 1)).toString("hex");
  const detail = `the meter ${address} refuses the request with error 0x${error || "00"}`;
  return { ...withProblem("unexpectedReply", detail), about: { id: address } };
}

/** As many values as there are; a meter with two tariffs answers a block with three. */
function values(
  di: string,
  items: readonly Item[],
  content: Uint8Array,
): Pick<DecodedTelegram, "samples" | "problems" | "records"> {
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  const records: TelegramRecord[] = [];
  let at = 0;
  for (const one of items) {
    const bytes = content.subarray(at, at + one.bytes);
    if (bytes.length < one.bytes) break;
    at += one.bytes;
    const number = numberOf(bytes, one.signed);
    const name = `${di} (${targetName(one)})`;
    if (number === undefined) {
      const hex = Buffer.from(bytes.toReversed()).toString("hex");
      const code = /^f+$/.test(hex) ? "sentinel" : "malformed";
      problems.push({ code, detail: `${name}: ${hex} is no decimal number` });
      continue;
    }
    const value = scaled(number, one.scale);
    samples.push({ ...targetOf(one), value });
    records.push({ name, value, unit: unitOf(one.quantity) });
  }
  if (samples.length === 0 && problems.length === 0)
    problems.push({ code: "truncated", detail: `${di} has too few bytes` });
  // A single item of another length is of another form than this table says.
  if (items.length === 1 && content.length > at)
    return {
      samples: [],
      records: [],
      problems: [{ code: "malformed", detail: `${di} has ${content.length} bytes instead of ${at}` }],
    };
  return { samples, problems, records };
}

function numberOf(bytes: Uint8Array, signed: boolean): number | undefined {
  const digits = bytes.toReversed();
  const negative = signed && ((digits[0] ?? 0) & 0x80) !== 0;
  if (negative) digits[0] = (digits[0] ?? 0) & 0x7f;
  const text = Buffer.from(digits).toString("hex");
  if (!/^\d+$/.test(text)) return undefined;
  return negative ? -Number(text) : Number(text);
}

export const dlt645: Codec<unknown> = {
  longest: LONGEST_DLT645,
  find: findDlt645,
  isFiller: (byte) => byte === 0xfe || byte === 0xff || byte === 0x00,
  decoder: () => decode,
};
