import type { Decoded } from "../drivers/index.ts";
import type { RecordReport } from "./device-messages.ts";
import type { ReadingReport, TelegramReport } from "./device-telegrams.ts";
import { table } from "./table.ts";

/** What `decode` prints: readings in the stored units, and what could not be read. */
export interface DecodeReport {
  readonly device: string;
  readonly readings: readonly ReadingReport[];
  readonly problems: Decoded["problems"];
  /** Of a meter's telegrams: what each says of its sender, and every value under its own name. */
  readonly telegrams?: readonly TelegramReport[];
  /** Of SenML and Sparkplug B: every value under its own name, also where the house has no quantity for it. */
  readonly records?: readonly RecordReport[];
}

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
