import type { Instant } from "../../domain/model/index.ts";

/** A metric of a birth; its alias is its place in the list. */
export interface SparkplugSource {
  readonly name: string;
  readonly value: number | undefined;
}

const varint = (value: bigint): number[] => {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
};
const number = (field: number, value: number): number[] => [field << 3, ...varint(BigInt(value))];
const nested = (field: number, bytes: readonly number[]): number[] => [
  (field << 3) | 2,
  ...varint(BigInt(bytes.length)),
  ...bytes,
];
const double = (field: number, value: number): number[] => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [(field << 3) | 1, ...new Uint8Array(view.buffer)];
};

/** Fields of sparkplug_b.proto: Payload, and Metric within it. */
const PAYLOAD = { timestamp: 1, metrics: 2, seq: 3 };
const METRIC = { name: 1, alias: 2, timestamp: 3, datatype: 4, isNull: 7, double: 13 };
const DOUBLE = 10;

interface Sent {
  readonly time: Instant;
  readonly seq: number;
}

const message = (metrics: readonly (readonly number[])[], { time, seq }: Sent): Uint8Array =>
  Uint8Array.from([
    ...number(PAYLOAD.timestamp, time),
    ...metrics.flatMap((metric) => nested(PAYLOAD.metrics, metric)),
    ...number(PAYLOAD.seq, seq),
  ]);

const valueOf = (value: number | undefined): number[] =>
  value === undefined ? number(METRIC.isNull, 1) : double(METRIC.double, value);

/** NBIRTH or DBIRTH: names, aliases, datatypes and first values. */
export const sparkplugBirth = (sources: readonly SparkplugSource[], sent: Sent): Uint8Array =>
  message(
    sources.map(({ name, value }, alias) => [
      ...nested(METRIC.name, [...Buffer.from(name)]),
      ...number(METRIC.alias, alias),
      ...number(METRIC.timestamp, sent.time),
      ...number(METRIC.datatype, DOUBLE),
      ...valueOf(value),
    ]),
    sent,
  );

/** NDATA or DDATA: aliases and values alone. */
export const sparkplugData = (sources: readonly SparkplugSource[], sent: Sent): Uint8Array =>
  message(
    sources.map(({ value }, alias) => [
      ...number(METRIC.alias, alias),
      ...number(METRIC.timestamp, sent.time),
      ...valueOf(value),
    ]),
    sent,
  );
