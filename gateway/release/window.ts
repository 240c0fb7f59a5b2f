import { addMs, instant, SLOT_MS, type Span, type VotedOffer } from "../../domain/model/index.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What of a summary, or of an item that waits, says which time it is about. */
export type Timed =
  | { readonly kind: "energyInterval" | "energyUnknown"; readonly start: number }
  | { readonly kind: "farmDay"; readonly day: string }
  | { readonly kind: "groupStatistic"; readonly from: number; readonly to: number };

/**
 * The window that an offer is asked for: the statistic's own, the quarter hour, or the offer's own day of that date,
 * which begins at one hour all year round. Where clocks change for the summer a civil day is an hour beside it.
 */
export function windowAsked(timed: Timed, { utcOffsetMinutes }: Pick<VotedOffer, "utcOffsetMinutes">): Span {
  if (timed.kind === "groupStatistic") return { from: instant(timed.from), to: instant(timed.to) };
  if (timed.kind !== "farmDay") {
    const from = instant(timed.start);
    return { from, to: addMs(from, SLOT_MS) };
  }
  const from = instant(Date.parse(timed.day) - utcOffsetMinutes * MINUTE_MS);
  return { from, to: addMs(from, DAY_MS) };
}
