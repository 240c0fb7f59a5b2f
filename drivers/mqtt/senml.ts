import { addMs, FieldwattError, instant, type Instant } from "../../domain/model/index.ts";
import { decodeCbor, type Cbor } from "./cbor.ts";

/**
 * SenML (RFC 8428) in JSON or CBOR: a pack is a list of records; base fields (bn, bt, bu, bv, bs) hold from their record
 * on. A resolved record has its full name, its unit and an absolute time, or a time relative to the receiver's now.
 */
export interface SenmlRecord {
  readonly name: string;
  readonly unit?: string;
  /** A number, text, a boolean, or base64 of bytes; absent where the record has a sum alone. */
  readonly value?: number | string | boolean;
  readonly sum?: number;
  readonly time: SenmlTime;
}

export type SenmlTime =
  | { readonly kind: "absolute"; readonly seconds: number }
  | { readonly kind: "relative"; readonly seconds: number };

/** RFC 8428, 4.5.3: smaller times are relative to now. */
const FIRST_ABSOLUTE = 2 ** 28;
/** Ibid., 4.4: the version that this reader knows. */
const VERSION = 10;
const MAX_RECORDS = 10_000;
/** The last instant of a Date. */
const MAX_SECONDS = 8.64e12;

/** The fields of a record (ibid., table 2) that are read here; others are left alone. */
interface Entry {
  readonly bn?: string;
  readonly bt?: number;
  readonly bu?: string;
  readonly bv?: number;
  readonly bs?: number;
  readonly bver?: number;
  readonly n?: string;
  readonly u?: string;
  readonly v?: number;
  readonly vs?: string;
  readonly vb?: boolean;
  readonly vd?: string;
  readonly s?: number;
  readonly t?: number;
}

const FIELDS: Readonly<Record<keyof Entry, "number" | "string" | "boolean">> = {
  ...{ bn: "string", bt: "number", bu: "string", bv: "number", bs: "number", bver: "number" },
  ...{
    n: "string",
    u: "string",
    v: "number",
    vs: "string",
    vb: "boolean",
    vd: "string",
    s: "number",
    t: "number",
  },
};

/** A pack from the bytes of a message: JSON where it begins with "[", else CBOR. Throws MESSAGE_INVALID. */
export function readSenml(payload: Uint8Array): SenmlRecord[] {
  const first = payload.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  if (payload.length === 0 || first === undefined) throw invalid("the payload is empty");
  return first === 0x5b || first === 0x7b
    ? resolveSenml(jsonOf(payload))
    : resolveSenml(senmlFromCbor(decodeCbor(payload)));
}

const invalid = (message: string): FieldwattError => new FieldwattError("MESSAGE_INVALID", message);

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch (cause) {
    throw new FieldwattError("MESSAGE_INVALID", "the payload is not JSON", { cause });
  }
}

/** RFC 8428, table 4: the numbers that stand for labels. */
const LABELS: Readonly<Record<string, string>> = {
  "-1": "bver",
  "-2": "bn",
  "-3": "bt",
  "-4": "bu",
  "-5": "bv",
  "-6": "bs",
  "0": "n",
  "1": "u",
  "2": "v",
  "3": "vs",
  "4": "vb",
  "5": "s",
  "6": "t",
  "7": "ut",
  "8": "vd",
};

/** A pack in CBOR with the labels of JSON, for `resolveSenml`. Throws MESSAGE_INVALID. */
export function senmlFromCbor(item: Cbor): unknown {
  if (!Array.isArray(item)) throw invalid("not a SenML pack: the CBOR item is no list");
  return item.map((entry: Cbor) => {
    if (!(entry instanceof Map)) throw invalid("not a SenML pack: a record is no map");
    return Object.fromEntries(
      [...(entry as ReadonlyMap<string | number, Cbor>)].map(([label, value]) => [
        typeof label === "number" ? (LABELS[label] ?? String(label)) : label,
        value instanceof Uint8Array ? Buffer.from(value).toString("base64url") : value,
      ]),
    );
  });
}

/** Resolves the records of a pack (ibid., 4.6), in their order. Throws MESSAGE_INVALID. */
export function resolveSenml(json: unknown): SenmlRecord[] {
  const resolved: SenmlRecord[] = [];
  let base: Base = { name: "", time: 0, value: 0, sum: 0, unit: undefined };
  for (const entry of entriesOf(json)) {
    refuseUnknown(entry);
    base = {
      name: entry.bn ?? base.name,
      time: entry.bt ?? base.time,
      value: entry.bv ?? base.value,
      sum: entry.bs ?? base.sum,
      unit: entry.bu ?? base.unit,
    };
    const one = resolve(entry, base);
    if (one) resolved.push(one);
  }
  return resolved;
}

/** The records of a pack, each with fields of the right type. Throws MESSAGE_INVALID. */
function entriesOf(json: unknown): readonly Entry[] {
  if (!Array.isArray(json)) throw invalid("not a SenML pack: a list of records is expected");
  if (json.length > MAX_RECORDS) throw invalid(`not a SenML pack: it has over ${MAX_RECORDS} records`);
  json.forEach((entry: unknown, at) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry))
      throw invalid(`not a SenML pack: ${at}: a record is expected`);
    for (const [field, type] of Object.entries(FIELDS)) {
      const value = (entry as Readonly<Record<string, unknown>>)[field];
      const fits = type === "number" ? Number.isFinite(value) : typeof value === type;
      if (value !== undefined && !fits)
        throw invalid(`not a SenML pack: ${at}.${field}: a ${type} is expected`);
    }
  });
  return json as readonly Entry[];
}

interface Base {
  readonly name: string;
  readonly time: number;
  readonly value: number;
  readonly sum: number;
  readonly unit: string | undefined;
}

/** A record that has base fields alone gives nothing. */
function resolve(entry: Entry, base: Base): SenmlRecord | undefined {
  const value = entry.v === undefined ? (entry.vs ?? entry.vb ?? entry.vd) : base.value + entry.v;
  if (value === undefined && entry.s === undefined) return undefined;
  const [unit, seconds] = [entry.u ?? base.unit, base.time + (entry.t ?? 0)];
  if (!(Math.abs(seconds) < MAX_SECONDS)) throw invalid("a SenML time is beyond every calendar");
  const name = base.name + (entry.n ?? "");
  if (name === "") throw invalid("a SenML record has no name");
  return {
    name,
    ...(value !== undefined && { value }),
    ...(entry.s !== undefined && { sum: base.sum + entry.s }),
    time: { kind: seconds >= FIRST_ABSOLUTE ? "absolute" : "relative", seconds },
    ...(unit !== undefined && { unit }),
  };
}

/** Ibid., 4.4 and 4.5.4: a newer version and a label that ends in "_" must be understood or refused. */
function refuseUnknown(entry: Entry): void {
  const critical = Object.keys(entry).find((label) => label.endsWith("_"));
  if (critical !== undefined) throw invalid(`the SenML label ${critical} is not known here`);
  if ((entry.bver ?? VERSION) > VERSION) throw invalid(`SenML version ${entry.bver} is not known here`);
}

/** When a record was measured: undefined where its time is relative and now is not known. */
export function timeOfRecord({ time }: SenmlRecord, now: Instant | undefined): Instant | undefined {
  if (time.kind === "absolute") return instant(Math.round(time.seconds * 1000));
  return now === undefined ? undefined : addMs(now, Math.round(time.seconds * 1000));
}

/** SenML units (RFC 8428, 12.1, and RFC 8798) as device files spell them; other units are spelt alike. */
const UNIT_NAMES: Readonly<Record<string, string>> = {
  Cel: "°C",
  "%RH": "%",
  "W/m2": "W/m²",
  deg: "°",
  "/": "1",
  "m3/m3": "m³/m³",
  m3: "m³",
  "m3/s": "m³/s",
  "uS/cm": "µS/cm",
  "%EL": "%",
  VA: "VA",
  VAh: "VAh",
  var: "var",
  vars: "var",
  varh: "varh",
};

export const unitFromSenml = (unit: string): string => UNIT_NAMES[unit] ?? unit;
