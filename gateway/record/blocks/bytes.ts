import { FieldwattError } from "../../../domain/model/index.ts";

/** Whole numbers as bytes: seven bits a byte, the lowest first, the eighth bit says that more follow (LEB128). */

export const damaged = (what: string): FieldwattError =>
  new FieldwattError("RECORD_BLOCK_DAMAGED", `A block of readings is damaged: ${what}.`);

/** 2^53 - 1 needs eight. */
const NUMBER_BYTES_MAX = 8;
const TWO_32 = 0x1_0000_0000;

export class ByteWriter {
  private bytes: Uint8Array;
  private at = 0;

  constructor(capacity = 1_024) {
    this.bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.at;
  }

  /** @param value whole, 0 to 2^53 - 1 */
  number(value: number): void {
    this.reserve(NUMBER_BYTES_MAX);
    let rest = value;
    // Bit operations see 32 bits: what is larger is divided first.
    while (rest >= TWO_32) {
      this.bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    for (rest >>>= 0; rest >= 0x80; rest >>>= 7) this.bytes[this.at++] = (rest & 0x7f) | 0x80;
    this.bytes[this.at++] = rest;
  }

  /** @param value whole, between -2^52 and 2^52: small ones of either sign become small numbers */
  signed(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  taken(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  private reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + more));
    larger.set(this.taken());
    this.bytes = larger;
  }
}

/** Reads what `ByteWriter` wrote; throws RECORD_BLOCK_DAMAGED where it ends too early. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private at: number;
  private readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start > end || end > bytes.length) throw damaged("a column lies outside of it");
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get position(): number {
    return this.at;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.next();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    if (!Number.isSafeInteger(value)) throw damaged("a number is too large");
    return value;
  }

  signed(): number {
    const coded = this.number();
    return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
  }

  raw(length: number): Uint8Array {
    if (this.at + length > this.end) throw damaged("it ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private next(): number {
    const byte = this.at < this.end ? this.bytes[this.at++] : undefined;
    if (byte === undefined) throw damaged("it ends too early");
    return byte;
  }
}
