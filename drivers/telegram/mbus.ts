import type { Quantity, Sample } from "../../domain/model/index.ts";
import type { Decoded, Problem } from "../driver.ts";
import { scaled, targetName, tidy, type Target } from "../value.ts";
import { fixedData } from "./mbus-fixed.ts";
import { findMbus, LONGEST_MBUS } from "./mbus-frame.ts";
import { parseRecords, type MbusRecord } from "./mbus-records.ts";
import {
  isElectricity,
  isGas,
  isWater,
  meaningOf,
  mediumName,
  qualifiersOf,
  type VifMeaning,
} from "./mbus-units.ts";
import { withProblem, type Codec, type DecodedTelegram, type TelegramRecord } from "./telegram.ts";

/**
 * Wired M-Bus (EN 13757-3). What a record is depends on the medium: volume is `waterVolume` of a water meter and
 * `gasVolume` of a gas meter, energy is active energy only of an electricity meter. Heat, mass and what the house has
 * no word for are among the records alone, and so are maxima, minima, values during an error, other subunits, values
 * with a qualifier that is not known here, and older storages where a present one is there.
 */
const FIRST_OF_DATA = 7;
const TAIL = 2;
const REPLY = 0x08;
const HEADER = 12;

function decode(frame: Uint8Array): DecodedTelegram | undefined {
  if (frame.length < FIRST_OF_DATA + TAIL || frame[0] !== 0x68) return undefined;
  const [control = 0, address = 0, ci = 0] = frame.subarray(4);
  // Only what a meter answers has values (RSP_UD, EN 13757-2, 5.3).
  if ((control & 0x4f) !== REPLY) return undefined;
  const data = frame.subarray(FIRST_OF_DATA, -TAIL);
  switch (ci) {
    case 0x72:
    case 0x76:
      return withHeader(data, ci === 0x76, address);
    case 0x7a:
      return variable(data.subarray(4), { address, medium: 0, highFirst: false, about: {} });
    case 0x78:
      return variable(data, { address, medium: 0, highFirst: false, about: {} });
    case 0x73:
    case 0x77:
      return fixedData(data, ci === 0x77, address);
    case 0x70:
      return withProblem("unexpectedReply", `the meter reports application error ${data[0] ?? 0}`);
    default:
      return withProblem("malformed", `CI 0x${ci.toString(16)} has no known form`);
  }
}

const MODE = 0x1f;

function withHeader(data: Uint8Array, highFirst: boolean, address: number): DecodedTelegram {
  if (data.length < HEADER) return withProblem("malformed", "the frame ends within its header");
  const field = (from: number, to: number): Uint8Array =>
    highFirst ? data.subarray(from, to).toReversed() : data.subarray(from, to);
  const [, , , , , , version = 0, medium = 0, , status = 0] = data;
  const signature = field(10, 12);
  if (((signature[1] ?? 0) & MODE) !== 0) return withProblem("malformed", "the data is encrypted");
  const about = {
    id: Buffer.from(field(0, 4).toReversed()).toString("hex"),
    manufacturer: makerOf(field(4, 6)),
    version,
    medium: mediumName(medium),
    status,
  };
  return variable(data.subarray(HEADER), { address, medium, highFirst, about });
}

/** Three letters of five bits (EN 13757-3, 5.5). */
function makerOf([low = 0, high = 0]: Uint8Array): string {
  const code = (high << 8) | low;
  return String.fromCharCode(...[10, 5, 0].map((shift) => 64 + ((code >> shift) & 0x1f)));
}

interface Sender {
  readonly address: number;
  readonly medium: number;
  readonly highFirst: boolean;
  readonly about: Readonly<Record<string, string | number>>;
}

function variable(data: Uint8Array, { address, medium, highFirst, about }: Sender): DecodedTelegram {
  const { records, broken, moreFollow } = parseRecords(data, highFirst);
  const decoded = choose(records.flatMap((record) => candidateOf(record, medium)));
  const problems: Problem[] = broken === undefined ? [] : [{ code: "malformed", detail: broken }];
  const time = records.find(({ vif, data: { kind } }) => vif === DATE_TIME && kind === "number");
  return {
    samples: decoded.samples,
    problems: [...decoded.problems, ...problems],
    about: {
      ...about,
      address,
      ...(time?.data.kind === "number" && { time: dateOf(time.data.bytes) }),
      ...(moreFollow && { moreFollow: 1 }),
    },
    records: records.flatMap(recordOf),
  };
}

interface Candidate {
  readonly target: Target;
  readonly storage: number;
  readonly value: number | undefined;
  readonly detail: string;
}

const PRESENT = 0;
const DATE_TIME = 0x6d;

function candidateOf(record: MbusRecord, medium: number): Candidate[] {
  const meaning = meaningOf(record.vif, record.text);
  const qualifiers = qualifiersOf(record.vifes);
  if (!meaning || !qualifiers || record.function !== PRESENT || record.subunit !== 0) return [];
  const mapped = quantityOf(meaning, medium, qualifiers.backward);
  const { data } = record;
  if (!mapped || (data.kind !== "number" && data.kind !== "invalid")) return [];
  const channel = record.tariff > 0 ? `T${record.tariff}` : undefined;
  const target = { quantity: mapped.quantity, ...(channel !== undefined && { channel }) };
  const exponent = meaning.exponent + qualifiers.exponent;
  const value = data.kind === "number" && !qualifiers.error ? data.value : undefined;
  const detail = data.kind === "invalid" ? data.detail : "the meter reports an error with it";
  return [
    {
      target,
      storage: record.storage,
      detail,
      value: value === undefined ? undefined : tidy(scaled(value, 10 ** exponent) * mapped.factor),
    },
  ];
}

interface MappedQuantity {
  readonly quantity: Quantity;
  readonly factor: number;
}

const LITRES_A_CUBIC_METRE = 1_000;
/** Litres a minute of the units of a flow. */
const FLOWS: Readonly<Record<string, number>> = { "m³/h": 1_000 / 60, "m³/min": 1_000, "m³/s": 60_000 };
const ELECTRIC: Partial<Record<VifMeaning["measure"], Quantity>> = {
  energy: "activeEnergyImport",
  power: "activePower",
  voltage: "voltage",
  current: "current",
  frequency: "frequency",
  reactiveEnergy: "reactiveEnergyImport",
  reactivePower: "reactivePower",
  apparentPower: "apparentPower",
};
const BACKWARD: Partial<Record<Quantity, Quantity>> = {
  activeEnergyImport: "activeEnergyExport",
  reactiveEnergyImport: "reactiveEnergyExport",
};
const CLIMATE: Partial<Record<VifMeaning["measure"], Quantity>> = {
  externalTemperature: "airTemperature",
  humidity: "relativeHumidity",
};

function quantityOf(
  { measure, unit }: VifMeaning,
  medium: number,
  backward: boolean,
): MappedQuantity | undefined {
  const electric = isElectricity(medium) ? ELECTRIC[measure] : undefined;
  const quantity = (backward ? electric && BACKWARD[electric] : electric) ?? CLIMATE[measure];
  if (quantity) return { quantity, factor: 1 };
  if (backward) return undefined;
  if (measure === "volume" && isWater(medium))
    return { quantity: "waterVolume", factor: LITRES_A_CUBIC_METRE };
  if (measure === "volume" && isGas(medium)) return { quantity: "gasVolume", factor: 1 };
  const litres = FLOWS[unit];
  return litres !== undefined && isWater(medium) ? { quantity: "waterFlow", factor: litres } : undefined;
}

/** Of each target the newest storage; where it is there more than once, nobody can say which is which. */
function choose(candidates: readonly Candidate[]): Decoded {
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  const names = new Set(candidates.map(({ target }) => targetName(target)));
  for (const name of names) {
    const all = candidates.filter(({ target }) => targetName(target) === name);
    const newest = Math.min(...all.map(({ storage }) => storage));
    const [first, ...others] = all.filter(({ storage }) => storage === newest);
    if (!first) continue;
    if (others.length > 0) {
      const detail = `${name} is there ${others.length + 1} times, and nothing says which is which`;
      problems.push({ code: "unknownModel", detail });
    } else if (first.value === undefined)
      problems.push({ code: "notANumber", detail: `${name}: ${first.detail}` });
    else samples.push({ ...first.target, value: first.value });
  }
  return { samples, problems };
}

const FUNCTIONS = ["", " maximum", " minimum", " during error"];

function recordOf(record: MbusRecord): TelegramRecord[] {
  const { data, vif, text, storage, tariff, subunit, vifes } = record;
  if (data.kind === "none") return [];
  const meaning = meaningOf(vif, text);
  const place = [
    [storage, `storage ${storage}`],
    [tariff, `tariff ${tariff}`],
    [subunit, `subunit ${subunit}`],
  ].flatMap(([number, words]) => (number === 0 ? [] : [String(words)]));
  const unknown = qualifiersOf(vifes) === undefined;
  const qualified = unknown ? [`VIFE ${vifes.map((vife) => vife.toString(16)).join(" ")}`] : [];
  const what = meaning?.measure ?? text ?? `VIF ${vif.toString(16)}`;
  const name = `${[what, ...place, ...qualified].join(", ")}${FUNCTIONS[record.function] ?? ""}`;
  return [{ name, ...shown(record, meaning) }];
}

function shown(
  { data, vifes }: MbusRecord,
  meaning: VifMeaning | undefined,
): { value: string | number; unit?: string } {
  if (data.kind === "text") return { value: data.text };
  if (data.kind !== "number") return { value: data.kind === "invalid" ? data.detail : "" };
  if (meaning?.measure === "date" || meaning?.measure === "dateTime") return { value: dateOf(data.bytes) };
  if (!meaning) return { value: data.value };
  const exponent = meaning.exponent + (qualifiersOf(vifes)?.exponent ?? 0);
  return { value: scaled(data.value, 10 ** exponent), ...(meaning.unit !== "" && { unit: meaning.unit }) };
}

/** Types G, F and I (EN 13757-3, annex A) in the meter's own civil time, which has no zone. */
function dateOf(bytes: Uint8Array): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = (low = 0, high = 0): string => {
    const year = ((low >> 5) & 7) | ((high >> 1) & 0x78);
    return `20${two(year)}-${two(high & 0x0f)}-${two(low & 0x1f)}`;
  };
  if (bytes.length < 4) return day(bytes[0], bytes[1]);
  // Type I has its seconds before the minute, and its validity in the highest bit of the minute as well.
  const [second = 0, minute = 0, hour = 0, low, high] = bytes.length === 4 ? [0, ...bytes] : bytes;
  if (minute & 0x80) return "invalid";
  return `${day(low, high)}T${two(hour & 0x1f)}:${two(minute & 0x3f)}:${two(second & 0x3f)}`;
}

export const mbus: Codec<unknown> = {
  longest: LONGEST_MBUS,
  find: findMbus,
  isFiller: (byte) => byte === 0xe5 || byte === 0x00 || byte === 0xff,
  decoder: () => decode,
};
