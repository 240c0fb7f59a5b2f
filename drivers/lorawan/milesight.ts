import type { LorawanDialect } from "../definition.ts";
import { fieldsWith, view, type Field, type Fields } from "./field.ts";

/**
 * Milesight: entries of channel, type and data, numbers least significant byte first (Milesight-IoT/SensorDecoders).
 * Entries have no length of their own, so what is not known ends the reading: the rest could be anything.
 */
export function milesightFields({ sizes }: LorawanDialect, bytes: Uint8Array): Fields {
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.subarray(at).every((byte) => byte === 0)) break;
    const name = nameOf(bytes, at);
    const size = sizes[name] ?? SIZES[name] ?? answerSize(name);
    if (size === undefined)
      return fieldsWith(
        fields,
        "malformed",
        `entry ${name} at byte ${at} is not known; the rest is left out`,
      );
    const data = bytes.subarray(at + 2, at + 2 + size);
    if (data.length < size)
      return fieldsWith(fields, "truncated", `entry ${name} at byte ${at} needs ${size} bytes`);
    fields.push(fieldOf(name, data));
    at += 2 + size;
  }
  return { fields, problems: [] };
}

const twoDigits = (byte: number | undefined): string => (byte ?? 0).toString(16).padStart(2, "0");
const nameOf = (bytes: Uint8Array, at: number): string =>
  `${twoDigits(bytes[at])}.${at + 1 < bytes.length ? twoDigits(bytes[at + 1]) : "??"}`;

/** A backlog: the entry begins with its time. */
const HISTORY = "20.ce";

function fieldOf(name: string, bytes: Uint8Array): Field {
  const field = { name, bytes, littleEndian: true };
  return name === HISTORY && bytes.length >= 4
    ? { ...field, seconds: view(bytes).getUint32(0, true) }
    : field;
}

/** What every model tells about itself: versions, serial number, class, reset, power on. */
const SIZES: Readonly<Record<string, number>> = {
  "ff.01": 1,
  "ff.09": 2,
  "ff.0a": 2,
  "ff.ff": 2,
  "ff.16": 8,
  "ff.0f": 1,
  "ff.fe": 1,
  "ff.0b": 1,
};

/** Answers to a downlink (channel fe or ff), as far as the models of this house give them. */
const ANSWERS: Readonly<Record<string, number>> = {
  "02": 2,
  "03": 2,
  "06": 9,
  "10": 1,
  "11": 4,
  "17": 2,
  "18": 2,
  "1c": 2,
  "27": 1,
  "28": 1,
  "35": 8,
  "3b": 1,
  "4a": 1,
  "68": 1,
  "69": 1,
  "6a": 3,
  "6d": 1,
  "79": 6,
  "84": 1,
  "8e": 3,
  "96": 8,
  d6: 6,
  d7: 1,
  ea: 3,
  f1: 4,
  f2: 2,
  f5: 1,
};

const answerSize = (name: string): number | undefined =>
  name.startsWith("fe.") || name.startsWith("ff.") ? ANSWERS[name.slice(3)] : undefined;
