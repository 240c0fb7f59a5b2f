import {
  addMs,
  dayOf,
  isQuantity,
  localTime,
  slotStart,
  unitOf,
  type Day,
  type Instant,
  type Reading,
} from "../../domain/model/index.ts";

/** A reading as one line of a day's file, and back as far as a resume needs it. RFC 4180, with \n. */
export const HEADER = "time,quantity,channel,value,unit,quality,sequence\n";
/** Offsets that are remembered; one a quarter hour. */
const OFFSETS_MAX = 10_000;

export interface Placed {
  readonly day: Day;
  readonly line: string;
}

/**
 * Writes times of one time zone with their offset ("2026-06-15T14:40:00.000+03:00"), so that they can be read by
 * people and are still one instant on the day when the clock is set back.
 */
export function localTimes(zone: string): (time: Instant) => string {
  const offsets = new Map<Instant, number>();
  // Every offset in use is a multiple of 15 minutes, and changes at one.
  const offsetAt = (time: Instant): number => {
    const slot = slotStart(time);
    const known = offsets.get(slot);
    if (known !== undefined) return known;
    if (offsets.size >= OFFSETS_MAX) offsets.clear();
    const offset = Date.parse(`${dayOf(slot, zone)}T${localTime(slot, zone)}Z`) - slot;
    offsets.set(slot, offset);
    return offset;
  };
  return (time) => {
    const offset = offsetAt(time);
    return new Date(addMs(time, offset)).toISOString().slice(0, -1) + offsetText(offset);
  };
}

/** Formats readings for one time zone. */
export function lineWriter(zone: string): (reading: Reading) => Placed {
  const localAt = localTimes(zone);
  return ({ stream, time, value, quality, sequence = 0 }) => {
    const [, quantity = "", ...channel] = stream.split("/");
    const local = localAt(time);
    const unit = isQuantity(quantity) ? unitOf(quantity) : "";
    const cells = [
      quantity,
      channel.join("/"),
      String(value),
      unit,
      quality,
      sequence === 0 ? "" : String(sequence),
    ];
    const line = `${local},${cells.map(cell).join(",")}\n`;
    return { day: local.slice(0, 10) as Day, line };
  };
}

function offsetText(offset: number): string {
  const minutes = Math.abs(offset) / 60_000;
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** Only a channel's name can need quotes; a line break would end the line, and no name has a use for one. */
export function cell(text: string): string {
  const flat = text.replace(/[\r\n]+/g, " ");
  return /[",]/.test(flat) ? `"${flat.replaceAll('"', '""')}"` : flat;
}

export interface LinePlace {
  /** Quantity and channel, as written. */
  readonly stream: string;
  readonly time: number;
  readonly sequence: number;
}

/** Where a line stands in its stream; undefined for a header or a torn line. */
export function placeOfLine(line: string): LinePlace | undefined {
  const found = /^([^,]+),([^,]+,(?:"(?:[^"]|"")*"|[^",]*)),[^,]+,[^,]*,[a-z]+,(\d*)$/.exec(line);
  const [, time = "", stream = "", sequence = ""] = found ?? [];
  const at = Date.parse(time);
  return found && Number.isFinite(at) ? { stream, time: at, sequence: Number(sequence) } : undefined;
}
