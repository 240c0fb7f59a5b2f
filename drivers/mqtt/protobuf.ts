import { FieldwattError } from "../../domain/model/index.ts";

/** One field of a protobuf message, still in wire form (Protocol Buffers, "Encoding"). */
export interface WireField {
  readonly number: number;
  /** A varint; 4 or 8 bytes of a fixed width; or the bytes of text, bytes and messages. */
  readonly value: bigint | Uint8Array;
  readonly wire: 0 | 1 | 2 | 5;
}

const invalid = (message: string): FieldwattError => new FieldwattError("MESSAGE_INVALID", message);

/** The fields of one message, in their order. Throws MESSAGE_INVALID where the message is cut or in no known form. */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw invalid("the protobuf message is cut");
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw invalid("a protobuf number is longer than 10 bytes");
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw invalid("the protobuf message is cut");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const [number, wire] = [Number(key >> 3n), Number(key & 7n)];
    if (number === 0 || number > 0x1fffffff) throw invalid("a protobuf field has no number");
    if (wire === 0) yield { number, wire, value: varint() };
    else if (wire === 1) yield { number, wire, value: take(8) };
    else if (wire === 5) yield { number, wire, value: take(4) };
    else if (wire === 2) yield { number, wire, value: take(Number(varint())) };
    else throw invalid(`the protobuf wire type ${wire} is not known`);
  }
}

/** The unsigned number of a varint field. */
export const uintOf = ({ value }: WireField): bigint => {
  if (typeof value !== "bigint") throw invalid("a protobuf number is in no known form");
  return value;
};

/** The bytes of a field of text, bytes or a message. */
export const bytesOf = ({ value, wire }: WireField): Uint8Array => {
  if (wire !== 2 || typeof value === "bigint") throw invalid("a protobuf text is in no known form");
  return value;
};

export const textOf = (field: WireField): string => new TextDecoder().decode(bytesOf(field));

/** A float or a double, by its width. */
export function floatOf({ value, wire }: WireField): number {
  if (typeof value === "bigint" || wire === 2) throw invalid("a protobuf float is in no known form");
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return wire === 5 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}
