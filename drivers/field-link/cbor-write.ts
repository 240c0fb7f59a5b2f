/** What requests are made of: whole numbers from 0 to 2^32 - 1, bytes, and lists of both (RFC 8949, 3.1). */
export type Written = number | Uint8Array | readonly Written[];

const MAJOR = { number: 0, bytes: 2, list: 4 } as const;

export function encodeCbor(item: Written): Uint8Array {
  if (typeof item === "number") return head(MAJOR.number, item);
  if (item instanceof Uint8Array) return Buffer.concat([head(MAJOR.bytes, item.length), item]);
  return Buffer.concat([head(MAJOR.list, item.length), ...item.map(encodeCbor)]);
}

/** RFC 8949, 4.2.1: the shortest form. */
function head(major: number, argument: number): Uint8Array {
  const kind = major << 5;
  if (argument < 24) return Uint8Array.of(kind | argument);
  if (argument < 0x100) return Uint8Array.of(kind | 24, argument);
  if (argument < 0x1_0000) return Uint8Array.of(kind | 25, argument >> 8, argument & 0xff);
  const out = Buffer.alloc(5);
  out[0] = kind | 26;
  out.writeUInt32BE(argument, 1);
  return out;
}
