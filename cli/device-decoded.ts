import type { DecodeReport } from "./device.ts";
import { table } from "./table.ts";

/** What `device decode` found, for people: a row a value, then what could not be read. */
export function decodeTable({ device, readings, records, problems }: DecodeReport): string {
  const several = readings.some(({ index }) => index !== undefined);
  const head = ["Quantity", "Channel", "Value", "Unit", "Quality", "Time", ...(several ? ["Telegram"] : [])];
  const rows = readings.map(({ quantity, channel = "", value, unit, quality = "ok", time = "", index }) => [
    ...[quantity, channel, String(value), unit, quality, time],
    ...(several ? [String(index ?? "")] : []),
  ]);
  return [
    device,
    rows.length === 0 ? "No readings." : table(head, rows),
    ...(records && records.length > readings.length
      ? [`${records.length} values in all; --json names those that the house has no quantity for.`]
      : []),
    ...problems.map((problem) => `Problem: ${Object.values(problem).join(": ")}`),
  ].join("\n");
}
