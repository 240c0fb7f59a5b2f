import { FieldwattError } from "../../domain/model/index.ts";
import { shortestFloat32 } from "../value.ts";
import type { WireMetric } from "./sparkplug-payload.ts";

/** A value as JSON can say it: a whole number beyond 2^53 is text, bytes are hex. */
export type SparkplugValue = number | string | boolean | readonly (number | string | boolean)[];

/** Sparkplug B 3.0.0, 6.4.16: datatypes by number. */
export const DATATYPES = [
  "Unknown",
  "Int8",
  "Int16",
  "Int32",
  "Int64",
  "UInt8",
  "UInt16",
  "UInt32",
  "UInt64",
  "Float",
  "Double",
  "Boolean",
  "String",
  "DateTime",
  "Text",
  "UUID",
  "DataSet",
  "Bytes",
  "File",
  "Template",
  "PropertySet",
  "PropertySetList",
  "Int8Array",
  "Int16Array",
  "Int32Array",
  "Int64Array",
  "UInt8Array",
  "UInt16Array",
  "UInt32Array",
  "UInt64Array",
  "FloatArray",
  "DoubleArray",
  "BooleanArray",
  "StringArray",
  "DateTimeArray",
] as const;
export type Datatype = (typeof DATATYPES)[number];

const BITS: Readonly<Record<string, number>> = { "8": 8, "16": 16, "32": 32, "64": 64 };

/**
 * The value of a metric of a datatype; undefined where the house has no form for it (data sets, templates).
 * Throws MESSAGE_INVALID where the value is not of that datatype.
 */
export function valueOfMetric(
  datatype: Datatype,
  value: NonNullable<WireMetric["value"]>,
): SparkplugValue | undefined {
  if (datatype.endsWith("Array"))
    return value instanceof Uint8Array ? arrayOf(datatype, value) : mismatch(datatype);
  return (FORMS[datatype] ?? integer)(datatype, value);
}

type Form = (datatype: Datatype, value: NonNullable<WireMetric["value"]>) => SparkplugValue | undefined;
const text: Form = (datatype, value) => (typeof value === "string" ? value : mismatch(datatype));
const hex: Form = (datatype, value) =>
  value instanceof Uint8Array ? Buffer.from(value).toString("hex") : mismatch(datatype);

/** Datatypes that are no whole numbers. */
const FORMS: Readonly<Partial<Record<Datatype, Form>>> = {
  Boolean: (datatype, value) => (typeof value === "bigint" ? value !== 0n : mismatch(datatype)),
  Float: (datatype, value) => (typeof value === "number" ? finiteFloat(value) : mismatch(datatype)),
  Double: (datatype, value) => (typeof value === "number" ? value : mismatch(datatype)),
  DateTime: (datatype, value) => (typeof value === "bigint" ? plain(value) : mismatch(datatype)),
  String: text,
  Text: text,
  UUID: text,
  Bytes: hex,
  File: hex,
};

const mismatch = (datatype: Datatype): never => {
  throw new FieldwattError("MESSAGE_INVALID", `the value of a metric is no ${datatype}`);
};

const finiteFloat = (value: number): number => (Number.isFinite(value) ? shortestFloat32(value) : value);

/** A whole number as a number where it is exact, else as text. */
const plain = (value: bigint): number | string =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value.toString();

/** Int8 to Int32 travel as two's complement in an unsigned 32-bit number, Int64 in an unsigned 64-bit one. */
function integer(datatype: Datatype, value: NonNullable<WireMetric["value"]>): number | string | undefined {
  const bits = BITS[/\d+$/.exec(datatype)?.[0] ?? ""];
  if (bits === undefined) return undefined;
  if (typeof value !== "bigint") return mismatch(datatype);
  return plain(datatype.startsWith("U") ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value));
}

/** Ibid., 6.4.16: arrays are little-endian; booleans are packed after a count, highest bit first; texts end in zero. */
export function arrayOf(datatype: Datatype, bytes: Uint8Array): (number | string | boolean)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (datatype === "BooleanArray") return booleans(view);
  if (datatype === "StringArray") return strings(bytes);
  const [width, read] = ELEMENTS[datatype] ?? mismatch(datatype);
  if (bytes.length % width !== 0) return mismatch(datatype);
  return Array.from({ length: bytes.length / width }, (_, index) => read(view, index * width));
}

type Element = readonly [width: number, read: (view: DataView, at: number) => number | string];
const ELEMENTS: Readonly<Partial<Record<Datatype, Element>>> = {
  Int8Array: [1, (view, at) => view.getInt8(at)],
  Int16Array: [2, (view, at) => view.getInt16(at, true)],
  Int32Array: [4, (view, at) => view.getInt32(at, true)],
  Int64Array: [8, (view, at) => plain(view.getBigInt64(at, true))],
  UInt8Array: [1, (view, at) => view.getUint8(at)],
  UInt16Array: [2, (view, at) => view.getUint16(at, true)],
  UInt32Array: [4, (view, at) => view.getUint32(at, true)],
  UInt64Array: [8, (view, at) => plain(view.getBigUint64(at, true))],
  FloatArray: [4, (view, at) => finiteFloat(view.getFloat32(at, true))],
  DoubleArray: [8, (view, at) => view.getFloat64(at, true)],
  DateTimeArray: [8, (view, at) => plain(view.getBigUint64(at, true))],
};

function booleans(view: DataView): boolean[] {
  if (view.byteLength < 4) return mismatch("BooleanArray");
  const count = view.getUint32(0, true);
  if (Math.ceil(count / 8) !== view.byteLength - 4) return mismatch("BooleanArray");
  return Array.from({ length: count }, (_, i) => (view.getUint8(4 + (i >> 3)) & (0x80 >> (i & 7))) !== 0);
}

function strings(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return [];
  if (bytes.at(-1) !== 0) return mismatch("StringArray");
  return new TextDecoder().decode(bytes.subarray(0, -1)).split("\0");
}
