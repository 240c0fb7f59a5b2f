import {
  isQuantity,
  toIso,
  unitOf,
  type Instant,
  type Reading,
  type StreamId,
} from "../../domain/model/index.ts";
import type { Readings } from "../record/readings.ts";
import { cell, localTimes } from "../sinks/csv-lines.ts";

/** Readings as files that people take away: every row says its instant, the site's clock, its unit and its quality. */
export const EXPORT_FORMATS = ["csv", "jsonl"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  readonly readings: Readings;
  readonly streams: readonly StreamId[];
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
  readonly format: ExportFormat;
  /** Of the site. */
  readonly timeZone: string;
  readonly site: string;
}

/** Rows that are handed on at once. */
const ROWS_A_CHUNK = 500;

/**
 * The file in pieces, in order of time: a head, then a row for each reading. An hour of the record is in memory at a
 * time. Take the pieces from one state of the record, or from a record that only grows.
 */
export function* exportChunks(options: ExportOptions): Generator<string> {
  const { readings, streams, from, to } = options;
  const row = options.format === "csv" ? csvRows(options) : jsonRows(options);
  yield options.format === "csv" ? csvHead(options) : jsonHead(options);
  let rows: string[] = [];
  for (const reading of readings.since(from, { to, streams })) {
    rows.push(row(reading));
    if (rows.length < ROWS_A_CHUNK) continue;
    yield rows.join("");
    rows = [];
  }
  if (rows.length > 0) yield rows.join("");
}

interface Place {
  readonly device: string;
  readonly quantity: string;
  readonly channel: string;
  readonly unit: string;
}

function placeOf(stream: StreamId): Place {
  const [device = "", quantity = "", ...channel] = stream.split("/");
  const unit = isQuantity(quantity) ? unitOf(quantity) : "";
  return { device, quantity, channel: channel.join("/"), unit };
}

/** One place for each stream: a row costs no more than its own figures. */
function places(): (stream: StreamId) => Place {
  const known = new Map<StreamId, Place>();
  return (stream) => {
    const place = known.get(stream) ?? placeOf(stream);
    known.set(stream, place);
    return place;
  };
}

/** RFC 4180, with \n. The second column is named by the zone of its times. */
const csvHead = ({ timeZone }: ExportOptions): string =>
  `time UTC,time ${timeZone},device,quantity,channel,value,unit,quality,sequence\n`;

function csvRows({ timeZone }: ExportOptions): (reading: Reading) => string {
  const localAt = localTimes(timeZone);
  const placeAt = places();
  return ({ stream, time, value, quality, sequence }) => {
    const { device, quantity, channel, unit } = placeAt(stream);
    const cells = [device, quantity, channel, String(value), unit, quality, sequence ? String(sequence) : ""];
    return `${toIso(time)},${localAt(time)},${cells.map(cell).join(",")}\n`;
  };
}

/** The first line says what the rows are; it is the only one with a "format". */
function jsonHead({ site, timeZone, from, to, streams }: ExportOptions): string {
  const units = streams.map((stream) => ({ stream, ...placeOf(stream) }));
  const head = { format: "fieldwatt-readings", version: 1, site, timeZone };
  return `${JSON.stringify({ ...head, from: toIso(from), to: toIso(to), streams: units })}\n`;
}

function jsonRows({ timeZone }: ExportOptions): (reading: Reading) => string {
  const localAt = localTimes(timeZone);
  const placeAt = places();
  return ({ stream, time, value, quality, sequence }) => {
    const { unit } = placeAt(stream);
    const number = sequence ? { sequence } : {};
    return `${JSON.stringify({ time: toIso(time), local: localAt(time), stream, value, unit, quality, ...number })}\n`;
  };
}
