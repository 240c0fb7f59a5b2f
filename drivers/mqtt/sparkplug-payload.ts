import { FieldwattError } from "../../domain/model/index.ts";
import { bytesOf, floatOf, textOf, uintOf, wireFields, type WireField } from "./protobuf.ts";

/**
 * Sparkplug B 3.0.0 payloads (eclipse-tahu/tahu, sparkplug_b/sparkplug_b.proto). Numbers are kept in the form of the
 * wire here: what they mean depends on the datatype, which may stand in the birth only.
 */
export interface SparkplugPayload {
  /** Milliseconds since 1970. */
  readonly timestamp?: number;
  readonly seq?: number;
  readonly metrics: readonly WireMetric[];
}

export interface WireMetric {
  readonly name?: string;
  readonly alias?: bigint;
  readonly timestamp?: number;
  readonly datatype?: number;
  readonly isHistorical: boolean;
  readonly isNull: boolean;
  /** The property `engUnit`, which some tools send. */
  readonly unit?: string;
  readonly value?: bigint | number | string | Uint8Array;
}

const MAX_METRICS = 10_000;

/** Reads a payload. Throws MESSAGE_INVALID. */
export function readSparkplug(bytes: Uint8Array): SparkplugPayload {
  let payload: { timestamp?: number; seq?: number } = {};
  const metrics: WireMetric[] = [];
  for (const field of wireFields(bytes)) {
    if (field.number === 1) payload = { ...payload, timestamp: Number(uintOf(field)) };
    else if (field.number === 3) payload = { ...payload, seq: Number(uintOf(field)) };
    else if (field.number === 2) metrics.push(readMetric(bytesOf(field)));
    if (metrics.length > MAX_METRICS)
      throw new FieldwattError("MESSAGE_INVALID", `more than ${MAX_METRICS} metrics`);
  }
  return { ...payload, metrics };
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** What each field of a metric sets; other fields (metadata, data sets, templates) are passed over. */
const METRIC: Readonly<Record<number, (metric: Writable<WireMetric>, field: WireField) => void>> = {
  1: (metric, field) => (metric.name = textOf(field)),
  2: (metric, field) => (metric.alias = uintOf(field)),
  3: (metric, field) => (metric.timestamp = Number(uintOf(field))),
  4: (metric, field) => (metric.datatype = Number(uintOf(field))),
  5: (metric, field) => (metric.isHistorical = uintOf(field) !== 0n),
  7: (metric, field) => (metric.isNull = uintOf(field) !== 0n),
  9: (metric, field) => {
    const unit = engineeringUnit(bytesOf(field));
    if (unit !== undefined) metric.unit = unit;
  },
  10: (metric, field) => (metric.value = BigInt.asUintN(32, uintOf(field))),
  11: (metric, field) => (metric.value = uintOf(field)),
  12: (metric, field) => (metric.value = floatOf(field)),
  13: (metric, field) => (metric.value = floatOf(field)),
  14: (metric, field) => (metric.value = uintOf(field)),
  15: (metric, field) => (metric.value = textOf(field)),
  16: (metric, field) => (metric.value = bytesOf(field)),
};

function readMetric(bytes: Uint8Array): WireMetric {
  const metric: Writable<WireMetric> = { isHistorical: false, isNull: false };
  for (const field of wireFields(bytes)) METRIC[field.number]?.(metric, field);
  return metric;
}

/** A property set is a list of keys and a list of values. */
function engineeringUnit(bytes: Uint8Array): string | undefined {
  const fields = [...wireFields(bytes)];
  const keys = fields.filter(({ number }) => number === 1).map(textOf);
  const values = fields.filter(({ number }) => number === 2).map(bytesOf);
  const value = values[keys.findIndex((key) => key.toLowerCase() === "engunit")];
  const text = value && [...wireFields(value)].find(({ number }) => number === 8);
  return text && textOf(text);
}
