import { FieldwattError } from "../domain/model/index.ts";
import type { DeviceDefinition, ModbusPoint } from "./definition.ts";
import { stepsOf } from "./limits.ts";

/**
 * The device as the site chose it: a variant of a chosen option becomes the point itself, those of other options are
 * gone. Throws OPTION_INVALID for an option that the device file does not list.
 */
export function withOptions(definition: DeviceDefinition, chosen: readonly string[]): DeviceDefinition {
  const { dialect, id } = definition;
  const listed = dialect.kind === "modbus" ? Object.keys(dialect.options) : [];
  const unknown = chosen.find((option) => !listed.includes(option));
  if (unknown !== undefined) {
    const known = listed.length > 0 ? listed.join(", ") : "none";
    throw new FieldwattError(
      "OPTION_INVALID",
      `${id} has no option "${unknown}"; its device file lists ${known}`,
    );
  }
  if (dialect.kind !== "modbus" || chosen.length === 0) return definition;
  const points = dialect.points.map((point) => choose(point, chosen));
  return { ...definition, dialect: { ...dialect, points }, limits: stepsOf(points) };
}

function choose({ when = [], ...point }: ModbusPoint, chosen: readonly string[]): ModbusPoint {
  const made = when.filter(({ option }) => option !== undefined && chosen.includes(option));
  const left = when.filter(({ option }) => option === undefined);
  const changed = made.reduce<ModbusPoint>((one, { change }) => ({ ...one, ...change }), point);
  return left.length > 0 ? { ...changed, when: left } : changed;
}
