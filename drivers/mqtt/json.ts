import type { MqttPoint } from "./dialect.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import { stored, targetName, targetOf, type Scaling } from "../value.ts";

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

/** A list is one value for each phase. */
function decodeJsonPoint(point: MqttPoint, channel: string | undefined, json: unknown): Decoded {
  const value = point.from.map((path) => valueAt(json, path)).find((found) => found !== undefined);
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
  const target = targetOf({ quantity: point.quantity, ...(channel !== undefined && { channel }) });
  if (value === null || (typeof value === "string" && ABSENT.has(value.toLowerCase())))
    return problem("sentinel", `${targetName(target)} is ${value === null ? "null" : value}`);
  const number = numberOf(value);
  if (number === undefined)
    return problem("malformed", `${targetName(target)} is ${JSON.stringify(value)?.slice(0, 60)}`);
  const result = stored(point, number);
  if (!Number.isFinite(result)) return problem("notANumber", `${targetName(target)} is no finite number`);
  return { samples: [{ ...target, value: result }], problems: [] };
}

const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMBER.test(value) ? Number(value) : undefined;
}

/** What firmware says in place of a number that it does not have, in lower case. */
const ABSENT = new Set(["nan", "-nan", "null", "none", "unavailable", "unknown", "n/a", "--"]);
