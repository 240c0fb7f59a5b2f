import { targeted } from "../value.ts";
import type { MqttDialect } from "./dialect.ts";
import type { MqttFile } from "./schema.ts";

/** The dialect from a checked device file. */
export function mqttDialect({ mqtt }: MqttFile): MqttDialect {
  const messages = mqtt.messages.map(({ index, parts, points, ...rule }) => ({
    ...rule,
    ...(index && { index }),
    ...(parts && { parts: { at: parts.at.split("."), as: parts.as } }),
    points: targeted(points).map((point) => ({
      ...point,
      from: (point.from ?? [point.quantity]).map(pathOf),
    })),
  }));
  return { kind: "mqtt", messages };
}

/** "a.b", or the JSON pointer "/a/b". */
const pathOf = (path: string): readonly string[] =>
  path.startsWith("/")
    ? path
        .slice(1)
        .split("/")
        .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"))
    : path.split(".");
