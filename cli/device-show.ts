import { unitOf } from "../domain/model/index.ts";
import type { DeviceDefinition } from "../drivers/index.ts";

/** A device file as a page of text for a person. */
export function definitionTable(definition: DeviceDefinition): string {
  const { id, maker, model, source, notes, aliases, tests } = definition;
  const head = [
    `${id}: ${maker} ${model}`,
    `source   ${source}`,
    ...(aliases.length > 0 ? [`also     ${aliases.join(", ")}`] : []),
    `tests    ${tests.length}`,
    ...(notes === undefined ? [] : [`notes    ${notes.trim()}`]),
  ];
  return [...head, "", ...pointRows(definition)].join("\n");
}

interface Row {
  readonly quantity: Parameters<typeof unitOf>[0];
  readonly channel?: string;
  readonly where: string;
}

function pointRows(definition: DeviceDefinition): string[] {
  return rowsOf(definition).map(({ quantity, channel, where }) => {
    const name = channel === undefined ? quantity : `${quantity} ${channel}`;
    return `  ${name.padEnd(32)}${unitOf(quantity).padEnd(8)}${where}`;
  });
}

function rowsOf({ dialect }: DeviceDefinition): Row[] {
  switch (dialect.kind) {
    case "modbus":
      return dialect.points.map((point) => ({
        ...point,
        where: `${point.table} register ${point.at}, ${point.as} ${point.order}`,
      }));
    case "sunspec":
      return dialect.models.flatMap(({ ids, points }) =>
        points.map((point) => ({
          ...point,
          where: `models ${ids.join(", ")}, register ${point.at}, ${point.as}`,
        })),
      );
    case "vedirect":
      return dialect.points.map((point) => ({ ...point, where: `field ${point.field}` }));
    case "telegram":
      return (dialect.points ?? []).map((point) => ({ ...point, where: `value ${point.value}` }));
    case "lorawan":
      return dialect.points.map((point) => ({
        ...point,
        where: `${dialect.codec} ${point.field || "payload"}, byte ${point.at}, ${point.as}`,
      }));
    case "node":
      return dialect.records.points.map((point) => ({ ...point, where: `record ${point.from.join()}` }));
    case "mqtt":
      return dialect.messages.flatMap(({ topic, form, points }) =>
        points.map((point) => ({
          ...point,
          where:
            form === "json" ? `${topic}: ${point.from.map((path) => path.join(".")).join(" or ")}` : topic,
        })),
      );
  }
}
