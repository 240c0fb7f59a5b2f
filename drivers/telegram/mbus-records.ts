/**
 * Data records of M-Bus (EN 13757-3, 6): DIF and DIFEs say how the data is coded and which storage, tariff and
 * subunit it is of; VIF and VIFEs say what it is.
 */
export interface MbusRecord {
  readonly storage: number;
  readonly tariff: number;
  readonly subunit: number;
  /** 0 is the present value, 1 a maximum, 2 a minimum, 3 a value during an error. */
  readonly function: number;
  /** VIF without its extension bit; 0xFD00 or 0xFB00 and the next byte for the two extension tables. */
  readonly vif: number;
  /** The unit in letters where VIF is 7C. */
  readonly text?: string;
  readonly vifes: readonly number[];
  readonly data: RawData;
}

export type RawData =
  | { readonly kind: "none" }
  | { readonly kind: "number"; readonly value: number; readonly bytes: Uint8Array }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "invalid"; readonly detail: string };

export interface Records {
  readonly records: readonly MbusRecord[];
  /** Bytes whose meaning only the maker knows. */
  readonly manufacturerBytes: number;
  readonly moreFollow: boolean;
  /** What stopped the reading of the rest, if anything did. */
  readonly broken?: string;
}

const EXTENSION = 0x80;
const MAX_EXTENSIONS = 10;
const MAX_TEXT = 64;
const FILLER = 0x2f;
const MANUFACTURER = 0x0f;
const MORE_FOLLOW = 0x1f;
const SPECIAL = 0x0f;
const PLAIN_TEXT = 0x7c;
const TABLES = [0xfd, 0xfb];

class Broken extends Error {}

class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Broken("the frame ends within a record");
    return byte;
  }
  take(count: number): Uint8Array {
    if (this.at + count > this.bytes.length) throw new Broken("the frame ends within a record");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
  left(): number {
    return this.bytes.length - this.at;
  }
}

/** `highFirst` is mode 2 (CI 76): multi-byte values begin with their high byte. */
export function parseRecords(bytes: Uint8Array, highFirst: boolean): Records {
  const cursor = new Cursor(bytes);
  const records: MbusRecord[] = [];
  try {
    while (cursor.left() > 0) {
      const dif = cursor.byte();
      if (dif === FILLER) continue;
      if (dif === MANUFACTURER || dif === MORE_FOLLOW)
        return { records, manufacturerBytes: cursor.left(), moreFollow: dif === MORE_FOLLOW };
      if ((dif & 0x0f) === SPECIAL) throw new Broken(`DIF 0x${dif.toString(16)} has no known meaning`);
      records.push(parseRecord(dif, cursor, highFirst));
    }
    return { records, manufacturerBytes: 0, moreFollow: false };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { records, manufacturerBytes: 0, moreFollow: false, broken: error.message };
  }
}

function extensions(first: number, cursor: Cursor): number[] {
  const list: number[] = [];
  for (let last = first; last & EXTENSION;) {
    if (list.length === MAX_EXTENSIONS) throw new Broken(`over ${MAX_EXTENSIONS} extensions in one record`);
    last = cursor.byte();
    list.push(last);
  }
  return list;
}

function parseRecord(dif: number, cursor: Cursor, highFirst: boolean): MbusRecord {
  const difes = extensions(dif, cursor);
  const place = difes.reduce(
    (sum, dife, index) => ({
      // Bits beyond those of a safe integer do not occur: no meter has 2^41 storages.
      storage: sum.storage + (dife & 0x0f) * 2 ** (1 + 4 * index),
      tariff: sum.tariff + ((dife >> 4) & 3) * 2 ** (2 * index),
      subunit: sum.subunit + ((dife >> 6) & 1) * 2 ** index,
    }),
    { storage: (dif >> 6) & 1, tariff: 0, subunit: 0 },
  );
  const first = cursor.byte();
  // A unit in letters stands between its VIF and the VIFEs.
  const text = (first & ~EXTENSION) === PLAIN_TEXT ? letters(cursor.take(textLength(cursor))) : undefined;
  const rest = extensions(first, cursor);
  const [table, ...further] = rest;
  const extended = TABLES.includes(first) && table !== undefined;
  return {
    ...place,
    function: (dif >> 4) & 3,
    vif: extended ? (first << 8) | (table & ~EXTENSION) : first & ~EXTENSION,
    ...(text !== undefined && { text }),
    vifes: (extended ? further : rest).map((vife) => vife & ~EXTENSION),
    data: parseData(dif & 0x0f, cursor, highFirst),
  };
}

function textLength(cursor: Cursor): number {
  const length = cursor.byte();
  if (length > MAX_TEXT) throw new Broken("a unit in letters is too long");
  return length;
}

/** Letters come last first. */
const letters = (bytes: Uint8Array): string => Buffer.from(bytes.toReversed()).toString("latin1");

/** Bytes of integers and of BCD by the low half of DIF. */
const INTEGERS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8 };
const DECIMALS: Readonly<Record<number, number>> = { 9: 1, 10: 2, 11: 3, 12: 4, 14: 6 };
const REAL = 5;
const VARIABLE = 13;

function parseData(coding: number, cursor: Cursor, highFirst: boolean): RawData {
  const ordered = (count: number): Uint8Array => {
    const bytes = cursor.take(count);
    return highFirst ? bytes.toReversed() : bytes;
  };
  const [integer, decimal] = [INTEGERS[coding], DECIMALS[coding]];
  if (integer !== undefined) return integerOf(ordered(integer));
  if (decimal !== undefined) return decimalOf(ordered(decimal));
  if (coding === REAL) return realOf(ordered(4));
  return coding === VARIABLE ? variable(cursor) : { kind: "none" };
}

function integerOf(bytes: Uint8Array): RawData {
  const bits = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const width = 8 * bytes.length;
  // EN 13757-3, annex A, type B: only the sign bit means that there is no value.
  if (bytes.length > 1 && bits === 1n << BigInt(width - 1))
    return { kind: "invalid", detail: "means that there is no value" };
  return { kind: "number", value: Number(BigInt.asIntN(width, bits)), bytes };
}

/** Type A: two digits a byte, the low ones first; F as the highest digit is a minus, any other letter is an error. */
export function decimalOf(bytes: Uint8Array): RawData {
  const digits = Buffer.from(bytes.toReversed()).toString("hex");
  const negative = digits.startsWith("f");
  const number = negative ? digits.slice(1) : digits;
  if (!/^\d+$/.test(number)) return { kind: "invalid", detail: `0x${digits} is no decimal number` };
  return { kind: "number", value: (negative ? -1 : 1) * Number(number), bytes };
}

function realOf(bytes: Uint8Array): RawData {
  const value = Buffer.from(bytes).readFloatLE();
  if (!Number.isFinite(value)) return { kind: "invalid", detail: "is not a number" };
  return { kind: "number", value, bytes };
}

/** EN 13757-3, 6.4.1, LVAR: below C0 letters, then positive and negative BCD, binary, and real numbers. */
function variable(cursor: Cursor): RawData {
  const length = cursor.byte();
  if (length < 0xc0) return { kind: "text", text: letters(cursor.take(length)) };
  const negative = length >= 0xd0;
  if (length >= 0xe0) {
    if (length > 0xef) throw new Broken("a value of variable length has no known form");
    return { kind: "text", text: Buffer.from(cursor.take(length - 0xe0)).toString("hex") };
  }
  const decimal = decimalOf(cursor.take(length - (negative ? 0xd0 : 0xc0)));
  return decimal.kind === "number" && negative ? { ...decimal, value: -decimal.value } : decimal;
}
