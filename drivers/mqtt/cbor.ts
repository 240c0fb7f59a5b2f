import { FieldwattError } from "../../domain/model/index.ts";

/**
 * The part of CBOR (RFC 8949) that SenML needs: numbers, text, bytes, lists, maps, simple values, and decimal fractions
 * (tag 4). Maps have text or whole numbers as keys. Bounded: no more items than the input has bytes, and no deep nesting.
 */
export type Cbor = number | string | boolean | null | undefined | Uint8Array | readonly Cbor[] | CborMap;
export type CborMap = ReadonlyMap<string | number, Cbor>;

const MAX_DEPTH = 8;

interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
}

/** Reads one CBOR item that fills the input. Throws MESSAGE_INVALID. */
export function decodeCbor(bytes: Uint8Array): Cbor {
  const reader = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 };
  const item = read(reader, MAX_DEPTH);
  if (reader.at !== bytes.length) throw invalid(`${bytes.length - reader.at} bytes follow the CBOR item`);
  return item;
}

const invalid = (message: string): FieldwattError => new FieldwattError("MESSAGE_INVALID", message);

/** The number of an item that has no length of its own, and the byte that ends it. */
const INDEFINITE = 31;
const BREAK = 0xff;

function read(reader: Reader, depth: number): Cbor {
  if (depth === 0) throw invalid(`CBOR is nested deeper than ${MAX_DEPTH}`);
  const first = byte(reader);
  const [major, info] = [first >> 5, first & 0x1f];
  switch (major) {
    case 0:
      return argument(reader, info);
    case 1:
      return -1 - argument(reader, info);
    case 2:
      return joinedBytes(reader, info, 2);
    case 3:
      return text(joinedBytes(reader, info, 3));
    case 4:
      return list(reader, info, depth);
    case 5:
      return map(reader, info, depth);
    case 6:
      return tagged(reader, argument(reader, info), depth);
    default:
      return simple(reader, info);
  }
}

function byte(reader: Reader): number {
  const value = reader.bytes[reader.at];
  if (value === undefined) throw invalid("the CBOR item is cut");
  reader.at += 1;
  return value;
}

function take(reader: Reader, length: number): Uint8Array {
  if (length > reader.bytes.length - reader.at) throw invalid("the CBOR item is cut");
  reader.at += length;
  return reader.bytes.subarray(reader.at - length, reader.at);
}

/** RFC 8949, 3: the argument stands in the first byte or in the 1, 2, 4 or 8 bytes after it. */
function argument(reader: Reader, info: number): number {
  if (info < 24) return info;
  if (info > 27) throw invalid("a CBOR length is in no known form");
  const at = reader.at;
  take(reader, 2 ** (info - 24));
  if (info === 24) return reader.view.getUint8(at);
  if (info === 25) return reader.view.getUint16(at);
  return info === 26 ? reader.view.getUint32(at) : Number(reader.view.getBigUint64(at));
}

/** Bytes or text of a known length, or pieces of the same kind until the break. */
function joinedBytes(reader: Reader, info: number, major: number): Uint8Array {
  if (info !== INDEFINITE) return take(reader, argument(reader, info));
  const pieces: Uint8Array[] = [];
  for (let first = byte(reader); first !== BREAK; first = byte(reader)) {
    if (first >> 5 !== major) throw invalid("a piece of CBOR text is of another kind");
    pieces.push(take(reader, argument(reader, first & 0x1f)));
  }
  return Buffer.concat(pieces);
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("CBOR text is no UTF-8");
  }
}

/** True while items follow: by count, or until the break. Each item has a byte at least, so the input bounds both. */
function* items(reader: Reader, info: number, bytesEach: number): Generator<void> {
  if (info === INDEFINITE) {
    while (reader.bytes[reader.at] !== BREAK) yield;
    reader.at += 1;
    return;
  }
  const count = argument(reader, info);
  if (count * bytesEach > reader.bytes.length - reader.at) throw invalid("the CBOR item is cut");
  for (let index = 0; index < count; index++) yield;
}

function list(reader: Reader, info: number, depth: number): Cbor[] {
  const found: Cbor[] = [];
  for (const _ of items(reader, info, 1)) found.push(read(reader, depth - 1));
  return found;
}

function map(reader: Reader, info: number, depth: number): CborMap {
  const found = new Map<string | number, Cbor>();
  for (const _ of items(reader, info, 2)) {
    const key = read(reader, depth - 1);
    if (typeof key !== "string" && typeof key !== "number") throw invalid("a CBOR key is no text or number");
    if (found.has(key)) throw invalid(`the CBOR key ${key} is there twice`);
    found.set(key, read(reader, depth - 1));
  }
  return found;
}

const DECIMAL_FRACTION = 4;
/** The exponents of a double. */
const MAX_EXPONENT = 400;

/** RFC 8949, 3.4.4: [exponent, mantissa]. Read as decimal text, so that 273.15 is 273.15. Other tags are only hints. */
function tagged(reader: Reader, tag: number, depth: number): Cbor {
  const item = read(reader, depth - 1);
  if (tag !== DECIMAL_FRACTION) return item;
  const [exponent, mantissa] = Array.isArray(item) ? (item as readonly Cbor[]) : [];
  if (!Number.isInteger(exponent) || !Number.isInteger(mantissa) || Math.abs(Number(exponent)) > MAX_EXPONENT)
    throw invalid("a decimal fraction is in no known form");
  return Number(`${String(mantissa)}e${String(exponent)}`);
}

function simple(reader: Reader, info: number): Cbor {
  switch (info) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
    case 25:
      return half(argument(reader, info));
    case 26:
      take(reader, 4);
      return reader.view.getFloat32(reader.at - 4);
    case 27:
      take(reader, 8);
      return reader.view.getFloat64(reader.at - 8);
    default:
      throw invalid(`the simple CBOR value ${info} is not known`);
  }
}

/** RFC 8949, appendix D: a float16. */
function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Infinity
          : NaN
        : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}
