/** What requests are made of: whole numbers from 0 to 2^32 - 1, truth, text, bytes, lists and maps (RFC 8949, 3.1). */
export type Written =
  number | boolean | string | Uint8Array | readonly Written[] | { readonly [key: string]: Written };

const MAJOR = { number: 0, bytes: 2, text: 3, list: 4, map: 5 } as const;
const [FALSE, TRUE] = [0xf4, 0xf5];

export function encodeCbor(item: Written): Uint8Array {
  if (typeof item === "number") return head(MAJOR.number, item);
  if (typeof item === "boolean") return Uint8Array.of(item ? TRUE : FALSE);
  if (typeof item === "string") {
    const text = new TextEncoder().encode(item);
    return Buffer.concat([head(MAJOR.text, text.length), text]);
  }
  if (item instanceof Uint8Array) return Buffer.concat([head(MAJOR.bytes, item.length), item]);
  if (isList(item)) return Buffer.concat([head(MAJOR.list, item.length), ...item.map(encodeCbor)]);
  const entries = Object.entries(item);
  return Buffer.concat([head(MAJOR.map, entries.length), ...entries.flat().map(encodeCbor)]);
}

const isList = (item: object): item is readonly Written[] => Array.isArray(item);

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
