/** Whole numbers as bytes: seven bits at a time, small numbers short (protobuf's varint); signed ones in zigzag. */

/** Up to this, sums and doubled differences of two numbers are still exact in a double. */
export const WHOLE_MAX = 2 ** 50;
/** A varint of a number below 2^53 has at most eight bytes. */
const VARINT_BYTES_MAX = 8;

export class ByteWriter {
  private bytes: Buffer<ArrayBuffer>;
  private length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.alloc(Math.max(capacity, 64));
  }

  byte(value: number): void {
    this.need(1);
    this.bytes[this.length++] = value;
  }

  /** A whole number, 0 to 2^53 - 1. */
  varint(value: number): void {
    this.need(VARINT_BYTES_MAX);
    let rest = value;
    while (rest > 0x7f_ff_ff_ff) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** A whole number of either sign, below 2^52. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  float32(value: number): void {
    this.need(4);
    this.length = this.bytes.writeFloatLE(value, this.length);
  }

  float64(value: number): void {
    this.need(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  /** What was written; shares its memory with this object. */
  done(): Buffer<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  private need(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const larger = Buffer.alloc(this.bytes.length * 2);
    this.bytes.copy(larger);
    this.bytes = larger;
  }
}

/** Reads what `ByteWriter` wrote; throws RangeError beyond the end. */
export class ByteReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError("the bytes end too early");
    return value;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new RangeError("a number has too many bytes");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  float32(): number {
    this.at += 4;
    return this.bytes.readFloatLE(this.at - 4);
  }

  float64(): number {
    this.at += 8;
    return this.bytes.readDoubleLE(this.at - 8);
  }
}
