import type { LorawanDialect } from "../definition.ts";
import { fieldsWith, noFields, view, type Field, type Fields } from "./field.ts";

const VERSION = 2;
const HEADER = 5;

/**
 * Decentlab, protocol version 2 (decentlab/decentlab-decoders): version, device number, flags, then for each flag from
 * the lowest a group of 16-bit words, most significant byte first.
 */
export function decentlabFields({ sizes }: LorawanDialect, bytes: Uint8Array): Fields {
  if (bytes.length < HEADER) return noFields("truncated", `${bytes.length} bytes are no header`);
  if (bytes[0] !== VERSION) return noFields("malformed", `protocol version ${bytes[0]} is not known`);
  const flags = view(bytes).getUint16(3);
  const fields: Field[] = [];
  let at = HEADER;
  for (let group = 0; group < 16; group++) {
    if ((flags & (1 << group)) === 0) continue;
    const words = sizes[String(group)];
    if (words === undefined) return fieldsWith(fields, "malformed", `group ${group} is not known`);
    const data = bytes.subarray(at, at + 2 * words);
    if (data.length < 2 * words)
      return fieldsWith(fields, "truncated", `group ${group} needs ${words} words`);
    fields.push({ name: String(group), bytes: data, littleEndian: false });
    at += 2 * words;
  }
  if (at < bytes.length) return fieldsWith(fields, "malformed", `${bytes.length - at} bytes too many`);
  return { fields, problems: [] };
}
