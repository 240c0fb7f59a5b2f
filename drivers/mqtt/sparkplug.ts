import { FieldwattError, instant, messageOf, type Instant } from "../../domain/model/index.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import type { MqttMessageRule } from "./dialect.ts";
import { decodeNamed, pointNamed } from "./named.ts";
import { readSparkplug, type SparkplugPayload, type WireMetric } from "./sparkplug-payload.ts";
import { DATATYPES, valueOfMetric, type Datatype, type SparkplugValue } from "./sparkplug-value.ts";

/** A metric that has its name and datatype, from its own message or from the birth. */
export interface SparkplugMetric {
  readonly name: string;
  readonly datatype: Datatype;
  readonly alias?: number | string;
  /** Absent where the metric is null. */
  readonly value?: SparkplugValue;
  readonly unit?: string;
  readonly time?: Instant;
  readonly isHistorical: boolean;
}

/** What a birth said of one metric. */
interface Born {
  readonly name: string;
  readonly datatype: number;
  readonly unit?: string;
}

/** Names and aliases of one node or device, since its birth. */
interface Scope {
  readonly byAlias: Map<bigint, Born>;
  readonly byName: Map<string, Born>;
}

/** An edge node: the scopes of itself ("") and of its devices, and the last sequence number. */
interface Node {
  seq: number | undefined;
  readonly scopes: Map<string, Scope>;
}

/** Edge nodes by name. Bounded: beyond these numbers, no names are learned and aliases stay unknown. */
export type SparkplugMemory = Map<string, Node>;
const MAX_NODES = 100;
const MAX_SCOPES = 200;

/** `spBv1.0/group/type/node[/device]`; a site may put topic levels before it. */
interface Place {
  /** Empty where the topic says no type. */
  readonly type: string;
  readonly node: string;
  readonly device: string;
}

const TYPE = /^([ND](BIRTH|DATA|DEATH|CMD)|STATE)$/;

function placeOf(topic: string): Place {
  const levels = topic.split("/");
  const at = levels.findIndex((level) => TYPE.test(level));
  if (at < 0) return { type: "", node: "", device: "" };
  const [type = "", node = "", device = ""] = levels.slice(at);
  return { type, node: `${levels[at - 1] ?? ""}/${node}`, device };
}

/** A Sparkplug B message in samples: of live metrics without a time, of historical ones with the metric's own. */
export function decodeSparkplug(
  rule: MqttMessageRule,
  message: { readonly topic: string; readonly payload: Uint8Array },
  memory: SparkplugMemory,
): Decoded {
  const { metrics, problems } = sparkplugMetrics(message, memory);
  const samples = metrics.map((metric) => decodeMetric(rule, metric));
  return joined([...samples, { samples: [], problems }]);
}

function decodeMetric(
  rule: MqttMessageRule,
  { name, value, unit, time, isHistorical }: SparkplugMetric,
): Decoded {
  if (!pointNamed(rule, name)) return NOTHING;
  if (value === undefined) return problem("sentinel", `${name} is null`);
  if (typeof value !== "number") return NOTHING;
  return decodeNamed(rule, {
    name,
    value,
    ...(unit !== undefined && { unit }),
    ...(isHistorical && time !== undefined && { time }),
  });
}

/**
 * The metrics of a message, with what the births before it said. A gap in the sequence means that a birth may be
 * missing: the names of that node are then forgotten, since an alias may mean something else by now.
 */
export function sparkplugMetrics(
  { topic, payload }: { readonly topic: string; readonly payload: Uint8Array },
  memory: SparkplugMemory,
): { metrics: SparkplugMetric[]; problems: Decoded["problems"] } {
  const place = placeOf(topic);
  if (place.type === "STATE" || place.type.endsWith("CMD")) return { metrics: [], problems: [] };
  try {
    const read = readSparkplug(payload);
    if (place.type.endsWith("DEATH")) return { metrics: [], problems: bury(memory, place) };
    const gap = follow(memory, place, read.seq);
    const scope = scopeOf(memory, place, read);
    const named = read.metrics.map((metric) => complete(metric, scope, read.timestamp));
    return {
      metrics: named.flatMap((one) => ("name" in one ? [one] : [])),
      problems: [...gap, ...named.flatMap((one) => ("name" in one ? [] : one.problems))],
    };
  } catch (error) {
    return { metrics: [], problems: problem("malformed", messageOf(error)).problems };
  }
}

/** A death ends what the births said. */
function bury(memory: SparkplugMemory, { type, node, device }: Place): Decoded["problems"] {
  if (type === "NDEATH") memory.delete(node);
  else memory.get(node)?.scopes.delete(device);
  return [];
}

const SEQUENCE = 256;

/** Keeps count of the node's sequence (0 to 255, over all messages of node and devices; a birth begins it anew). */
function follow(
  memory: SparkplugMemory,
  { type, node }: Place,
  seq: number | undefined,
): Decoded["problems"] {
  const known = memory.get(node);
  if (type === "NBIRTH" || type === "") {
    if (known || memory.size < MAX_NODES) memory.set(node, { seq, scopes: new Map() });
    return [];
  }
  if (!known) {
    if (memory.size < MAX_NODES) memory.set(node, { seq, scopes: new Map() });
    return [];
  }
  const expected = known.seq === undefined ? seq : (known.seq + 1) % SEQUENCE;
  known.seq = seq;
  if (seq === expected) return [];
  known.scopes.clear();
  const detail = `${node}: sequence ${seq} where ${expected} was due; names are unknown until the next birth`;
  return problem("unexpectedReply", detail).problems;
}

/** The names that hold for this message: those that a birth brings, or those of the last birth. */
function scopeOf(
  memory: SparkplugMemory,
  { type, node, device }: Place,
  { metrics }: SparkplugPayload,
): Scope {
  const scopes = memory.get(node)?.scopes ?? new Map<string, Scope>();
  const isBirth = type === "" || type.endsWith("BIRTH");
  const known = scopes.get(device);
  if (!isBirth) return known ?? { byAlias: new Map(), byName: new Map() };
  const born: Scope = { byAlias: new Map(), byName: new Map() };
  for (const { name, alias, datatype, unit } of metrics) {
    if (name === undefined || datatype === undefined) continue;
    const one = { name, datatype, ...(unit !== undefined && { unit }) };
    born.byName.set(name, one);
    if (alias !== undefined) born.byAlias.set(alias, one);
  }
  if (known || scopes.size < MAX_SCOPES) scopes.set(device, born);
  return born;
}

function complete(
  metric: WireMetric,
  { byAlias, byName }: Scope,
  sent: number | undefined,
): SparkplugMetric | Pick<Decoded, "problems"> {
  const { alias } = metric;
  const born =
    metric.name !== undefined
      ? byName.get(metric.name)
      : alias === undefined
        ? undefined
        : byAlias.get(alias);
  const name = metric.name ?? born?.name;
  if (name === undefined || name === "")
    return problem("unknownModel", `alias ${alias ?? "(none)"} has no name: no birth came before it`);
  const number = metric.datatype ?? born?.datatype ?? 0;
  const datatype = DATATYPES[number];
  if (datatype === undefined || datatype === "Unknown")
    return problem("unknownModel", `${name} has no known datatype (${number})`);
  try {
    return finished(metric, { name, datatype, unit: metric.unit ?? born?.unit, sent });
  } catch (error) {
    if (!(error instanceof FieldwattError)) throw error;
    return problem("malformed", `${name}: ${error.message}`);
  }
}

interface Known {
  readonly name: string;
  readonly datatype: Datatype;
  readonly unit: string | undefined;
  readonly sent: number | undefined;
}

/** The last millisecond of a Date. */
const MAX_MS = 8.64e15;

function finished(metric: WireMetric, { name, datatype, unit, sent }: Known): SparkplugMetric {
  const isEmpty = metric.isNull || metric.value === undefined;
  const value = isEmpty ? undefined : valueOfMetric(datatype, metric.value ?? 0n);
  const ms = metric.timestamp ?? sent;
  return {
    name,
    datatype,
    ...(metric.alias !== undefined && { alias: aliasOf(metric.alias) }),
    ...(value !== undefined && { value }),
    ...(unit !== undefined && { unit }),
    ...(ms !== undefined && ms <= MAX_MS && { time: instant(ms) }),
    isHistorical: metric.isHistorical,
  };
}

const aliasOf = (alias: bigint): number | string =>
  alias <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(alias) : alias.toString();
