/** CBOR (RFC 8949, 3) of what a SenML pack holds: arrays, maps with integer keys, text and numbers. */
export type CborValue = number | string | readonly CborValue[] | ReadonlyMap<number, CborValue>;

const [UNSIGNED, NEGATIVE, TEXT, ARRAY, MAP] = [0, 1, 3, 4, 5];
const FLOAT64 = 0xfb;

/** Major type and argument in the shortest form (3.1). */
function head(major: number, argument: number): Buffer {
  const first = major << 5;
  if (argument < 24) return Buffer.of(first | argument);
  if (argument < 0x100) return Buffer.of(first | 24, argument);
  if (argument < 0x10000) return Buffer.of(first | 25, argument >> 8, argument & 0xff);
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(first | 26);
  bytes.writeUInt32BE(argument, 1);
  return bytes;
}

function number(value: number): Buffer {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 32)
    return value >= 0 ? head(UNSIGNED, value) : head(NEGATIVE, -1 - value);
  const bytes = Buffer.alloc(9, FLOAT64);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** The bytes of a value; a whole number is an integer, any other a double. */
export function cbor(value: CborValue): Buffer {
  if (typeof value === "number") return number(value);
  if (typeof value === "string")
    return Buffer.concat([head(TEXT, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Map)
    return Buffer.concat([
      head(MAP, value.size),
      ...[...(value as ReadonlyMap<number, CborValue>)].flatMap(([key, one]) => [number(key), cbor(one)]),
    ]);
  const list = value as readonly CborValue[];
  return Buffer.concat([head(ARRAY, list.length), ...list.map(cbor)]);
}
