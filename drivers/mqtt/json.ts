import type { MqttPoint } from "./dialect.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import { stored, targetName, type Scaling } from "../value.ts";

/** JSON text as a value, or undefined where it is none. */
export function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

/** What stands at a path of keys and list positions; undefined where nothing does. */
export function valueAt(json: unknown, path: readonly string[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** The text at a path; undefined where there is none. */
export function textAt(json: unknown, ...path: string[]): string | undefined {
  const value = valueAt(json, path);
  return typeof value === "string" ? value : undefined;
}

/** Every point of a message at its place in the JSON. */
export const decodeJsonPoints = (
  points: readonly MqttPoint[],
  channel: string | undefined,
  json: unknown,
): Decoded => joined(points.map((point) => decodeJsonPoint(point, channel, json)));

/** What stands at the first of the paths where something does. */
function firstAt(json: unknown, paths: readonly (readonly string[])[]): unknown {
  for (const path of paths) {
    const found = valueAt(json, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A list is one value for each phase. */
function decodeJsonPoint(point: MqttPoint, channel: string | undefined, json: unknown): Decoded {
  const value = firstAt(json, point.from);
  if (value === undefined) return NOTHING;
  const own = point.channel ?? channel;
  if (!Array.isArray(value)) return decodeValue(point, own, value);
  if (value.length > MAX_PHASES)
    return problem("malformed", `${targetName(point)} is a list of ${value.length}`);
  return joined(value.map((one: unknown, phase) => decodeValue(point, own ?? `L${phase + 1}`, one)));
}

const MAX_PHASES = 3;

/** One value of a message: a number, or text that is exactly a number. Words for "no value" are absent values. */
export function decodeValue(point: Scaling, channel: string | undefined, value: unknown): Decoded {
  const { quantity } = point;
  const target = channel === undefined ? { quantity } : { quantity, channel };
  if (value === null || (typeof value === "string" && ABSENT.has(value.toLowerCase())))
    return problem("sentinel", `${targetName(target)} is ${value === null ? "null" : value}`);
  const number = numberOf(value);
  if (number === undefined)
    return problem("malformed", `${targetName(target)} is ${JSON.stringify(value)?.slice(0, 60)}`);
  const result = stored(point, number);
  if (!Number.isFinite(result)) return problem("notANumber", `${targetName(target)} is no finite number`);
  const sample = channel === undefined ? { quantity, value: result } : { quantity, channel, value: result };
  return { samples: [sample], problems: NOTHING.problems };
}

const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMBER.test(value) ? Number(value) : undefined;
}

/** What firmware says in place of a number that it does not have, in lower case. */
const ABSENT = new Set(["nan", "-nan", "null", "none", "unavailable", "unknown", "n/a", "--"]);
