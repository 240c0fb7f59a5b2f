import type { Instant, Sample } from "../../domain/model/index.ts";
import { converter } from "../../domain/model/index.ts";
import type { MqttMessageRule, MqttPoint } from "./dialect.ts";
import { NOTHING, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import { stored, targetName, targetOf } from "../value.ts";

/** A value that carries its own name: a SenML record, a Sparkplug metric. */
export interface NamedValue {
  readonly name: string;
  readonly value: number;
  /** As device files spell it; absent where the sender did not say. */
  readonly unit?: string;
  readonly time?: Instant;
}

const isLetterOrDigit = (text: string | undefined): boolean =>
  text !== undefined && /^[A-Za-z0-9]$/.test(text);

/** True where the name is the end, or ends with it after a separator: `urn:dev:ow:10e2:voltage`, `solar/voltage`. */
const endsIn = (name: string, end: string): boolean =>
  name.endsWith(end) && !isLetterOrDigit(name[name.length - end.length - 1]);

/** The point of a rule that a name means; what the device file does not know is undefined. */
export const pointNamed = ({ points }: MqttMessageRule, name: string): MqttPoint | undefined =>
  points.find((point) => point.from.some((path) => endsIn(name, path.join("."))));

/** The sample that a named value is; nothing where the device file does not know the name. */
export function decodeNamed(rule: MqttMessageRule, { name, value, unit, time }: NamedValue): Decoded {
  const point = pointNamed(rule, name);
  if (!point) return NOTHING;
  const own = unit ?? point.unit;
  if (!converter(point.quantity, own)) return problem("malformed", `${name} cannot be given in ${own}`);
  const result = stored({ ...point, unit: own, scale: unit === undefined ? point.scale : 1 }, value);
  if (!Number.isFinite(result)) return problem("notANumber", `${targetName(point)} is no finite number`);
  const sample: Sample = { ...targetOf(point), value: result };
  return { samples: [time === undefined ? sample : { ...sample, time }], problems: [] };
}
