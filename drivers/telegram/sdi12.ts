import type { Sample } from "../../domain/model/index.ts";
import { stored, targetOf, type Scaling } from "../value.ts";
import { crcArc } from "./crc.ts";
import { latin1 } from "./objects.ts";
import type { Found } from "./splitter.ts";
import { withProblem, type Codec, type DecodedTelegram } from "./telegram.ts";

/**
 * SDI-12 (version 1.4, 4.4). A measurement is announced (`atttn` after aM!, `atttnn` after aC!) and then fetched in
 * lines of an address and values, each of which begins with its sign (`0+3.14-2`). With a CRC, asked for by aMC! and
 * aCC!, three characters follow: the CRC-16/ARC of the line in three times six bits (4.4.12.2). A sensor does not say
 * what its values are: a device file does.
 */
export interface SdiPoint extends Scaling {
  /** Place among the values of a measurement, from 1 as manuals count. */
  readonly value: number;
}

export interface SdiOptions {
  readonly points?: readonly SdiPoint[];
  /** The sensor is asked with a CRC: a line without one is damaged. */
  readonly crc?: boolean;
}

const LF = 0x0a;
/** An address, 75 characters of values, a CRC and the line end; an echo of the command may stand before it. */
const LONGEST = 128;

/** A line, or a command before its reply: `0D0!`. */
function find(raw: Uint8Array, final: boolean): Found {
  const bytes = raw.map((byte) => byte & 0x7f);
  const from = bytes.findIndex((byte) => byte > 0x20 && byte < 0x7f);
  if (from < 0) return { kind: "wait", from: bytes.length };
  const end = bytes.findIndex((byte, index) => index > from && (byte === LF || byte === 0x21));
  if (end < 0) return final ? { kind: "frame", from, to: bytes.length } : { kind: "wait", from };
  return { kind: "frame", from, to: end + 1 };
}

const COMMAND = /^[0-9A-Za-z?]?[A-Z0-9]*!$/i;
const ANNOUNCED = /^([0-9A-Za-z])\d{3}(\d{1,2})$/;
const SERVICE = /^[0-9A-Za-z]$/;
const VALUE = "[+-](?:\\d{1,7}\\.?\\d{0,7}|\\.\\d{1,7})";
const DATA = new RegExp(`^([0-9A-Za-z])((?:${VALUE})*)([@-\\x7f]{3})?$`);

interface Measurement {
  readonly address: string;
  readonly count: number;
  readonly values: number[];
}

function decoder({ points, crc }: SdiOptions): (frame: Uint8Array) => DecodedTelegram | undefined {
  let announced: Measurement | undefined;
  const drop = (code: "checksum" | "malformed" | "unexpectedReply", detail: string): DecodedTelegram => {
    announced = undefined;
    return withProblem(code, detail);
  };
  return (raw) => {
    const line = latin1(raw.map((byte) => byte & 0x7f)).replace(/[\r\n]+$/, "");
    if (COMMAND.test(line) || SERVICE.test(line)) return undefined;
    const [, address, count] = ANNOUNCED.exec(line) ?? [];
    if (address !== undefined && count !== undefined) {
      const fault = announced && announced.values.length < announced.count ? missing(announced) : undefined;
      announced = { address, count: Number(count), values: [] };
      return fault;
    }
    const data = dataOf(line, crc === true);
    if ("problem" in data) return drop(data.problem, data.detail);
    if (!announced) return measurement(data.address, data.values, points);
    if (data.address !== announced.address)
      return drop("unexpectedReply", `sensor ${data.address} answers in place of ${announced.address}`);
    announced.values.push(...data.values);
    const { values, count: expected } = announced;
    if (data.values.length === 0 || values.length > expected)
      return drop("unexpectedReply", `${values.length} values where ${expected} were announced`);
    if (values.length < expected) return undefined;
    announced = undefined;
    return measurement(data.address, values, points);
  };
}

const missing = ({ values, count }: Measurement): DecodedTelegram =>
  withProblem("truncated", `${values.length} of ${count} announced values came`);

type Line =
  | { readonly address: string; readonly values: readonly number[] }
  | { readonly problem: "checksum" | "malformed"; readonly detail: string };

function dataOf(line: string, crcRequired: boolean): Line {
  const [, address, values = "", check] = DATA.exec(line) ?? [];
  if (address === undefined) return { problem: "malformed", detail: "a line is no reply of a sensor" };
  if (check === undefined && crcRequired) return { problem: "checksum", detail: "a line has no CRC" };
  if (check !== undefined && check !== crcText(line.slice(0, -3)))
    return { problem: "checksum", detail: "the CRC of a line is wrong; it is left out" };
  return { address, values: (values.match(new RegExp(VALUE, "g")) ?? []).map(Number) };
}

/** Three characters of six bits each, with 0x40 (4.4.12.2). */
export function crcText(line: string): string {
  const crc = crcArc(Buffer.from(line, "latin1"));
  return String.fromCharCode(0x40 | (crc >> 12), 0x40 | ((crc >> 6) & 0x3f), 0x40 | (crc & 0x3f));
}

function measurement(
  address: string,
  values: readonly number[],
  points: readonly SdiPoint[] = [],
): DecodedTelegram {
  const samples = points.flatMap((point): Sample[] => {
    const value = values[point.value - 1];
    return value === undefined ? [] : [{ ...targetOf(point), value: stored(point, value) }];
  });
  const absent = points.filter((point) => point.value > values.length);
  return {
    samples,
    problems: absent.map((point) => ({
      code: "truncated",
      detail: `value ${point.value} (${point.quantity}) is not among ${values.length} values`,
    })),
    about: { address },
    records: values.map((value, index) => ({ name: `value ${index + 1}`, value })),
  };
}

export const sdi12: Codec<SdiOptions> = {
  longest: LONGEST,
  find,
  isFiller: (byte) => byte <= 0x20 || byte >= 0x7f,
  decoder,
};
