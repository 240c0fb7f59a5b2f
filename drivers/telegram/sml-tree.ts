/** A value of SML's binary form (BSI TR-03109-1, annex IV, 6): type and length, then bytes or further values. */
export type SmlNode =
  | { readonly kind: "absent" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly value: number; readonly signed: boolean; readonly width: number }
  | { readonly kind: "list"; readonly items: readonly SmlNode[] }
  | { readonly kind: "end" };

const MAX_DEPTH = 12;
const MAX_LENGTH_BYTES = 3;
const [OCTETS, BOOLEAN, INTEGER, UNSIGNED, LIST] = [0, 4, 5, 6, 7];
const FURTHER = 0x80;
const MAX_NUMBER_BYTES = 8;

class Malformed extends Error {}

/** Every value at the top of an SML file, or undefined where the bytes are no such file. */
export function parseSml(bytes: Uint8Array): SmlNode[] | undefined {
  const nodes: SmlNode[] = [];
  const cursor = { at: 0 };
  try {
    while (cursor.at < bytes.length) nodes.push(parseNode(bytes, cursor, 0));
    return nodes;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

interface Cursor {
  at: number;
}

function parseNode(bytes: Uint8Array, cursor: Cursor, depth: number): SmlNode {
  if (depth > MAX_DEPTH) throw new Malformed();
  const begin = cursor.at;
  const { type, length } = parseLength(bytes, cursor);
  if (type === OCTETS && length === 0) return { kind: "end" };
  if (type === LIST) {
    // Every item takes at least a byte.
    if (length > bytes.length - cursor.at) throw new Malformed();
    return { kind: "list", items: Array.from({ length }, () => parseNode(bytes, cursor, depth + 1)) };
  }
  const end = begin + length;
  if (end < cursor.at || end > bytes.length) throw new Malformed();
  const content = bytes.subarray(cursor.at, end);
  cursor.at = end;
  return leaf(type, content);
}

function parseLength(bytes: Uint8Array, cursor: Cursor): { type: number; length: number } {
  let length = 0;
  const type = ((bytes[cursor.at] ?? 0) >> 4) & 7;
  for (let count = 0; count < MAX_LENGTH_BYTES; count++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new Malformed();
    length = (length << 4) | (byte & 0x0f);
    if (!(byte & FURTHER)) return { type, length };
  }
  throw new Malformed();
}

function leaf(type: number, content: Uint8Array): SmlNode {
  if (type === OCTETS) return content.length === 0 ? { kind: "absent" } : { kind: "bytes", bytes: content };
  if (type === BOOLEAN && content.length === 1) return { kind: "boolean", value: content[0] !== 0 };
  if (type !== INTEGER && type !== UNSIGNED) throw new Malformed();
  if (content.length === 0 || content.length > MAX_NUMBER_BYTES) throw new Malformed();
  const bits = content.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const signed = type === INTEGER;
  const width = content.length;
  return { kind: "number", value: Number(signed ? BigInt.asIntN(8 * width, bits) : bits), signed, width };
}
