import { fieldsWith, noFields, view, type Field, type Fields } from "./field.ts";

/** A frame is a channel, the number of what it carries, and four bytes; the payload ends with a checksum. */
const FRAME = 7;
const CHECKSUM = 2;

/**
 * SenseCAP S210x (TheThingsNetwork/lorawan-devices, vendor/sensecap/sensecap210x-common-decoder.js), numbers least
 * significant byte first. The checksum, which that program leaves out, is CRC-16/KERMIT over all that comes before it:
 * the maker's examples agree (AF51, 2890, 4CBE).
 */
export function sensecapFields(bytes: Uint8Array): Fields {
  const end = bytes.length - CHECKSUM;
  if (end < FRAME || end % FRAME !== 0)
    return noFields("truncated", `${bytes.length} bytes are no row of frames with a checksum`);
  const frames = bytes.subarray(0, end);
  if (kermit(frames) !== view(bytes).getUint16(end, true))
    return noFields("checksum", "the checksum is wrong");
  const fields = Array.from({ length: end / FRAME }, (_, index): Field => {
    const frame = frames.subarray(index * FRAME, (index + 1) * FRAME);
    return { name: String(view(frame).getUint16(1, true)), bytes: frame.subarray(3), littleEndian: true };
  });
  return fieldsWithUnread(fields);
}

/** Measurements begin after this number; what comes before is the node's own business, and the battery (7). */
const FIRST_MEASUREMENT = 0x1001;

function fieldsWithUnread(fields: readonly Field[]): Fields {
  const unread = fields.filter(({ name }) => Number(name) >= FIRST_MEASUREMENT && !KNOWN.has(Number(name)));
  if (unread.length === 0) return { fields, problems: [] };
  return fieldsWith(
    fields,
    "unknownModel",
    `measurement ${unread.map(({ name }) => name).join(", ")} is not known`,
  );
}

/** Numbers of the maker's list of measurements that this house knows, whether it reads them or not. */
const KNOWN = new Set(
  Array.from({ length: 0x1011 - FIRST_MEASUREMENT + 1 }, (_, i) => FIRST_MEASUREMENT + i),
);

function kermit(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  return crc;
}
