import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import type { Readings } from "../../gateway/record/readings.ts";
import type { Publisher } from "./publishers.ts";

/** How a record differs from what its publishers know. */
export interface Difference {
  /** Acknowledged, and not in the record. */
  readonly lost: string[];
  /** In the record more than once. */
  readonly doubled: string[];
  /** In the record otherwise than it was sent. */
  readonly invented: string[];
}

export const NO_DIFFERENCE: Difference = { lost: [], doubled: [], invented: [] };

/** Readings looked at in one piece. */
const PIECE = 100_000;

/** @param from number of the first reading that is looked at */
export function differenceOf(
  readings: Pick<Readings, "between">,
  publishers: readonly Pick<Publisher, "id" | "sent" | "acknowledged">[],
  from = 0,
): Difference {
  const difference: Difference = { lost: [], doubled: [], invented: [] };
  for (const publisher of publishers)
    for (let first = from; first < publisher.sent.length; first += PIECE)
      compare(readings, publisher, { first, difference });
  return difference;
}

function compare(
  readings: Pick<Readings, "between">,
  { id, sent, acknowledged }: Pick<Publisher, "id" | "sent" | "acknowledged">,
  { first, difference }: { readonly first: number; readonly difference: Difference },
): void {
  const stream = streamId(deviceId(id), "activeEnergyImport");
  const end = Math.min(first + PIECE, sent.length);
  const span = { from: instant(sent[first] ?? 0), to: instant(sent[end] ?? 8e15) };
  const seen = new Set<number>();
  for (const { time, value } of readings.between(stream, span)) {
    const one = `${id} ${value} at ${time}`;
    if (sent[value] !== time) difference.invented.push(one);
    if (seen.has(value)) difference.doubled.push(one);
    seen.add(value);
  }
  for (let number = first; number < end; number++)
    if (acknowledged.has(number) && !seen.has(number)) difference.lost.push(`${id} ${number}`);
}
