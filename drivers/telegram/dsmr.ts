import { instant, type Instant, type Quantity, type Sample } from "../../domain/model/index.ts";
import type { Problem } from "../driver.ts";
import { crcArc } from "./crc.ts";
import { dataSets, latin1, measured, obisValue, type DataSet } from "./objects.ts";
import { decodeObis } from "./obis.ts";
import type { Found } from "./splitter.ts";
import { withProblem, type Codec, type DecodedTelegram, type TelegramRecord } from "./telegram.ts";

/**
 * DSMR P1 (P1 Companion Standard 2.2 to 5.0.2) and its relatives: e-MUCS in Belgium, Luxembourg's Smarty after its
 * decryption, the Swedish and Lithuanian port, Sagemcom meters that write Wh and W. A telegram is text from "/" to
 * "!"; since version 4 the CRC-16/ARC of all of it, both marks included, follows as four hex digits. One meter leaves
 * leading zeros out, and version 2 has no CRC at all: a telegram that names its version and has none is damaged.
 */
const SLASH = 0x2f;
const BANG = 0x21;
const CR = 0x0d;
const LF = 0x0a;
const LONGEST = 16_384;
const MAX_CRC_DIGITS = 4;
/** "/", three letters of the maker and an identification of at most 16 characters, in practice a little more. */
const MAX_HEADER = 64;

const isLineEnd = (byte: number | undefined): boolean => byte === CR || byte === LF;
const isHex = (byte: number): boolean => /[0-9a-fA-F]/.test(String.fromCharCode(byte));

/** The "!" that stands first on its line, as the end of a telegram does. */
function endMark(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(BANG, from);
  while (at > 0 && !isLineEnd(bytes[at - 1])) at = bytes.indexOf(BANG, at + 1);
  return at;
}

/** The first "/" whose line has an end, or may still get one. */
function beginning(bytes: Uint8Array): number {
  let from = bytes.indexOf(SLASH);
  while (from >= 0 && from + MAX_HEADER <= bytes.length) {
    if (bytes.subarray(from, from + MAX_HEADER).some(isLineEnd)) return from;
    from = bytes.indexOf(SLASH, from + 1);
  }
  return from;
}

function find(bytes: Uint8Array, final: boolean): Found {
  const from = beginning(bytes);
  if (from < 0) return { kind: "wait", from: bytes.length };
  const bang = endMark(bytes, from);
  if (bang < 0) return final ? unfinished(from, bytes.length) : { kind: "wait", from };
  let to = bang + 1;
  while (to - bang <= MAX_CRC_DIGITS && to < bytes.length && isHex(bytes[to] ?? 0)) to += 1;
  const digits = to - bang - 1;
  if (digits < MAX_CRC_DIGITS && to === bytes.length && !final) return { kind: "wait", from };
  const problem = checkOf(bytes.subarray(from, bang + 1), latin1(bytes.subarray(bang + 1, to)), bytes[to]);
  return problem ? { kind: "damaged", from, resume: from + 1, problem } : { kind: "frame", from, to };
}

const unfinished = (from: number, length: number): Found => ({
  kind: "damaged",
  from,
  resume: length,
  problem: { code: "truncated", detail: "the last telegram has no end" },
});

/** Meters of these codes have a CRC: the version of DSMR 4 and later, and of e-MUCS. */
const VERSIONS = /^(1-3:0\.2\.8|0-0:96\.1\.4)\(/m;

function checkOf(body: Uint8Array, digits: string, next: number | undefined): Problem | undefined {
  const text = latin1(body);
  if (digits.length < MAX_CRC_DIGITS && next !== undefined && !isLineEnd(next))
    return { code: "malformed", detail: "the telegram's CRC is no hex number" };
  if (digits === "") return uncheckedFault(text);
  const given = Number.parseInt(digits, 16);
  if (crcArc(body) === given) return undefined;
  // A telegram that went through a text file may have lost its carriage returns.
  if (!text.includes("\r") && crcArc(Buffer.from(text.replaceAll("\n", "\r\n"), "latin1")) === given)
    return undefined;
  return { code: "checksum", detail: `the CRC of the telegram is not ${digits}; the telegram is left out` };
}

/** Without a CRC at least every character must be one, and the version must be one that has none. */
function uncheckedFault(text: string): Problem | undefined {
  if (VERSIONS.test(text))
    return { code: "checksum", detail: "the telegram's version has a CRC, and it has none" };
  return /^[\r\n\x20-\x7e]*$/.test(text)
    ? undefined
    : { code: "malformed", detail: "the telegram has no CRC and bytes that are no text" };
}

const STAMP = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([WS])$/;
const UTC_OFFSET_H = { W: 1, S: 2 };
const HOUR_MS = 3_600_000;

/**
 * YYMMDDhhmmssX in the meter's civil time, X is W in winter (UTC+1) and S in summer (UTC+2). Undefined where there is
 * no such time: 700101010000W and 632525252525W mean that the meter has none, and version 2 does not say its offset.
 */
export function stampOf(text: string | undefined): Instant | undefined {
  const [, year, month, day, hour, minute, second, season] = STAMP.exec(text ?? "") ?? [];
  if (year === undefined || Number(year) >= 70) return undefined;
  const fields = [2000 + Number(year), Number(month), Number(day)] as const;
  const utc = Date.UTC(fields[0], fields[1] - 1, fields[2], Number(hour), Number(minute), Number(second));
  const date = new Date(utc);
  if (date.getUTCMonth() + 1 !== fields[1] || date.getUTCDate() !== fields[2] || Number(hour) > 23)
    return undefined;
  return instant(utc - UTC_OFFSET_H[season === "S" ? "S" : "W"] * HOUR_MS);
}

/** Device types behind the meter (EN 13757-3, table 3), as 0-n:24.1.0 gives them. */
const VOLUMES: Readonly<Record<number, readonly [Quantity, number]>> = {
  3: ["gasVolume", 1],
  6: ["waterVolume", 1_000],
  7: ["waterVolume", 1_000],
  8: ["waterVolume", 1_000],
  22: ["waterVolume", 1_000],
};
const ON_BUS = /^0-(\d{1,2}):(24\.[0-9.]+)$/;
const READING = /^24\.(2\.[1-9]|3\.0)$/;

interface Behind {
  readonly channel: string;
  readonly type: number;
  readonly reading: DataSet;
}

/** Gas and water meters behind the electricity meter, by their channel n in 0-n:24.… */
function behind(sets: readonly DataSet[]): Behind[] {
  const types = new Map<string, number>();
  const readings = new Map<string, DataSet>();
  for (const set of sets) {
    const [, channel, code] = ON_BUS.exec(set.code) ?? [];
    if (channel === undefined || code === undefined) continue;
    if (code === "24.1.0") types.set(channel, Number(set.groups[0]));
    else if (READING.test(code)) readings.set(channel, set);
  }
  return [...readings].map(([channel, reading]) => ({ channel, reading, type: types.get(channel) ?? 0 }));
}

/** `(stamp)(volume*m3)` since version 4, `(stamp)(…)(…)(m3)⏎(volume)` before. */
function volumeOf({ groups }: DataSet): number | undefined {
  const last = measured(groups.at(-1) ?? "");
  const inCubicMetres = last?.unit.toLowerCase() === "m3" || (last?.unit === "" && groups.includes("m3"));
  return inCubicMetres ? last?.value : undefined;
}

function volumes(sets: readonly DataSet[]): { samples: Sample[]; problems: Problem[] } {
  const found: { quantity: Quantity; channel: string; value: number; time?: Instant }[] = [];
  const problems: Problem[] = [];
  for (const { channel, type, reading } of behind(sets)) {
    const [quantity, factor] = VOLUMES[type] ?? [];
    const volume = volumeOf(reading);
    const [stamp = ""] = reading.groups;
    const time = stampOf(stamp);
    if (quantity === undefined || factor === undefined) continue;
    if (volume === undefined)
      problems.push({ code: "notANumber", detail: `0-${channel}:24.2.1 (${quantity}) is no number of m3` });
    // With W or S behind it, a stamp that is no time says that the meter behind has not answered yet.
    else if (/[WS]$/.test(stamp) && time === undefined)
      problems.push({
        code: "sentinel",
        detail: `0-${channel}:24.2.1 (${quantity}) was never read: ${stamp}`,
      });
    else found.push({ quantity, channel, value: volume * factor, ...(time !== undefined && { time }) });
  }
  const alone = (quantity: Quantity): boolean =>
    found.filter((one) => one.quantity === quantity).length === 1;
  const samples = found.map(({ channel, value, ...rest }) => ({
    ...rest,
    value: Number(value.toPrecision(15)),
    ...(!alone(rest.quantity) && { channel }),
  }));
  return { samples, problems };
}

function decode(frame: Uint8Array): DecodedTelegram {
  const text = latin1(frame);
  const sets = dataSets(text.slice(text.indexOf("\n") + 1));
  if (sets.length === 0) return withProblem("malformed", "the telegram has no data");
  const first = (code: string): string | undefined => sets.find((set) => set.code === code)?.groups[0];
  const stamp = first("0-0:1.0.0");
  const time = stampOf(stamp);
  const { samples, problems } = decodeObis(sets.map(obisValue));
  const others = volumes(sets);
  const stamped = samples.map((sample) => (time === undefined ? sample : { ...sample, time }));
  const id = first("0-0:96.1.1") ?? first("0-0:42.0.0") ?? first("1-0:0.0.0*255");
  return {
    samples: [...stamped, ...others.samples],
    problems: [...problems, ...others.problems],
    about: {
      header: text.slice(1, text.search(/[\r\n]/)),
      ...(id && { id }),
      ...(stamp && { time: time === undefined ? stamp : new Date(time).toISOString() }),
    },
    records: sets.map(recordOf),
  };
}

function recordOf({ code, groups }: DataSet): TelegramRecord {
  const found = groups.length === 1 ? measured(groups[0] ?? "") : undefined;
  if (!found || found.unit === "") return { name: code, value: groups.join(" ") };
  return { name: code, value: found.value, unit: found.unit };
}

export const dsmr: Codec<unknown> = {
  longest: LONGEST,
  find,
  isFiller: (byte) => byte <= 0x20 || byte === 0xff,
  decoder: () => decode,
};
