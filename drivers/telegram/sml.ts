import { scaled } from "../value.ts";
import { decodeObis, type ObisValue } from "./obis.ts";
import { fileOf, findSml, LONGEST_SML } from "./sml-transport.ts";
import { parseSml, type SmlNode } from "./sml-tree.ts";
import { withProblem, type Codec, type DecodedTelegram, type TelegramRecord } from "./telegram.ts";

/**
 * SML, the smart message language of German meters (BSI TR-03109-1, annex IV). Of a file only the answers with a
 * list of values (SML_GetList.Res) are read: each entry is a name (six bytes of OBIS), a unit, a power of ten and a
 * value.
 */
export interface SmlOptions {
  /** The meter writes power from 128 W on as if it were negative; what is short and signed is not. */
  readonly unsigned?: boolean;
}

const GET_LIST_RESPONSE = 0x0701;
const ENTRY_FIELDS = 7;
const MAX_SCALER = 12;
/** DLMS unit codes (IEC 62056-62, table 4). */
const UNITS: Readonly<Record<number, string>> = {
  8: "°",
  9: "°C",
  13: "m3",
  27: "W",
  28: "VA",
  29: "var",
  30: "Wh",
  31: "VAh",
  32: "varh",
  33: "A",
  35: "V",
  44: "Hz",
  255: "",
};

interface Entry {
  readonly code: string;
  readonly value: number | Uint8Array | undefined;
  readonly unit: string;
}

/** The answers of a file as [server id, entries]. */
function answersOf(nodes: readonly SmlNode[]): { server: string | undefined; entries: readonly SmlNode[] }[] {
  return nodes.flatMap((message) => {
    const body = message.kind === "list" ? message.items[3] : undefined;
    if (body?.kind !== "list") return [];
    const [tag, response] = body.items;
    if (tag?.kind !== "number" || tag.value !== GET_LIST_RESPONSE || response?.kind !== "list") return [];
    const [, server, , , list] = response.items;
    if (list?.kind !== "list") return [];
    return [{ server: server?.kind === "bytes" ? hex(server.bytes) : undefined, entries: list.items }];
  });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const POWER = "1-0:16.7.0*255";
/** Widths of values that the faulty firmware writes with the wrong sign; its true negatives have four bytes. */
const SHORT = 3;

function entryOf(node: SmlNode, unsigned: boolean): Entry | undefined {
  if (node.kind !== "list" || node.items.length !== ENTRY_FIELDS) return undefined;
  const [name, , , unit, scaler, value] = node.items;
  if (name?.kind !== "bytes" || name.bytes.length !== 6) return undefined;
  const [a, b, c, d, e, f] = name.bytes;
  const code = `${a}-${b}:${c}.${d}.${e}*${f}`;
  const unitName = unit?.kind === "number" ? (UNITS[unit.value] ?? `unit ${unit.value}`) : "";
  if (value?.kind === "bytes") return { code, value: value.bytes, unit: unitName };
  if (value?.kind !== "number") return { code, value: undefined, unit: unitName };
  const exponent = scaler?.kind === "number" ? scaler.value : 0;
  if (Math.abs(exponent) > MAX_SCALER) return { code, value: undefined, unit: unitName };
  const wrong = unsigned && code === POWER && value.signed && value.width <= SHORT && value.value < 0;
  const raw = wrong ? value.value + 256 ** value.width : value.value;
  return { code, value: scaled(raw, 10 ** exponent), unit: unitName };
}

/**
 * Serial numbers of DZG DVS74 meters whose firmware has the fault of `unsigned`, as libsml knows them; later ones,
 * and DWSB20, are right.
 */
const FAULTY_DZG: readonly (readonly [number, number])[] = [
  [42_000_000, 48_999_999],
  [55_000_000, 58_999_999],
];
/** 0a 01 "DZG" and five bytes of number (DIN 43863-5). */
function isFaultyDzg(server: string | undefined): boolean {
  if (server?.length !== 20 || !server.startsWith("0a01445a47")) return false;
  const serial = Number.parseInt(server.slice(10), 16);
  return FAULTY_DZG.some(([first, last]) => serial >= first && serial <= last);
}

function decode(frame: Uint8Array, options: SmlOptions): DecodedTelegram {
  const nodes = parseSml(fileOf(frame));
  if (!nodes) return withProblem("malformed", "the telegram is no SML file");
  const answers = answersOf(nodes);
  const entries = answers.flatMap(({ server, entries: list }) => {
    const unsigned = options.unsigned === true || isFaultyDzg(server);
    return list.map((node) => entryOf(node, unsigned)).filter((entry) => entry !== undefined);
  });
  if (entries.length === 0) return withProblem("malformed", "the telegram has no list of values");
  const values = entries.flatMap(({ code, value, unit }): ObisValue[] =>
    value instanceof Uint8Array ? [] : [{ code, value, unit }],
  );
  const id = answers.find(({ server }) => server !== undefined)?.server;
  return {
    ...decodeObis(values),
    about: { ...(id !== undefined && { id }), ...makerOf(entries) },
    records: entries.flatMap(recordOf),
  };
}

/** 129-129:199.130.3*255 and 1-0:96.50.1: three letters. */
function makerOf(entries: readonly Entry[]): { manufacturer?: string } {
  const maker = entries.find(({ code }) => /^(129-129:199\.130\.3|1-0:96\.50\.1)\*/.test(code))?.value;
  const text = maker instanceof Uint8Array ? Buffer.from(maker).toString("latin1") : "";
  return /^[A-Z]{3}$/.test(text) ? { manufacturer: text } : {};
}

function recordOf({ code, value, unit }: Entry): TelegramRecord[] {
  if (value === undefined) return [];
  const shown = value instanceof Uint8Array ? hex(value) : value;
  return [{ name: code, value: shown, ...(unit !== "" && { unit }) }];
}

export const sml: Codec<SmlOptions> = {
  longest: LONGEST_SML,
  find: findSml,
  isFiller: (byte) => byte === 0x00 || byte === 0x1b,
  decoder: (options) => (frame) => decode(frame, options),
};
