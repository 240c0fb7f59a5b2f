import type { LineEvent } from "../../domain/energy/line.ts";
import type { Instant, StreamId } from "../../domain/model/index.ts";
import type { FoundEvents } from "./ledger-commands.ts";
import type { Reopening } from "./commands.ts";

/**
 * What touches quarter hours that are closed: late readings, readings that end a silence, events that turned out to be
 * something else. Kept until the record has it.
 */
export interface LateWatch {
  touch(device: string, stretch: { readonly from: number; readonly to: number }): void;
  /** What was touched since the last call. */
  take(now: Instant): Reopening[];
  /** A stretch is looked at when its data has come to rest, or after a while all the same; a decision at once. */
  isDue(stretch: Reopening, now: Instant): boolean;
  /** The events that the ledger does not have as they are. */
  newEvents(found: readonly (LineEvent & { readonly stream: StreamId })[]): FoundEvents["found"];
}

/** A logger hands over its backlog in many messages: so long after the last one its stretch is looked at. */
export const REOPEN_QUIET_MS = 60_000;

export function lateWatch(): LateWatch {
  const touched = new Map<string, { from: number; to: number }>();
  const known = new Map<string, string>();

  function touch(device: string, { from, to }: { readonly from: number; readonly to: number }): void {
    const held = touched.get(device);
    touched.set(device, {
      from: Math.min(from, held?.from ?? from),
      to: Math.max(to, held?.to ?? to),
    });
  }

  return {
    touch,
    take(now) {
      const list = [...touched].map(([device, stretch]) => ({ device, ...stretch, touched: now }));
      touched.clear();
      return list;
    },
    isDue: (stretch, now) => now >= stretch.touched + REOPEN_QUIET_MS,
    newEvents: (found) =>
      found.flatMap(({ stream, event }) => {
        const key = `${stream} ${event.after.time}`;
        const before = known.get(key);
        if (before === event.kind) return [];
        known.set(key, event.kind);
        // A jump whose next reading showed that it was a single wrong value.
        if (before !== undefined)
          touch(stream.slice(0, stream.indexOf("/")), { from: event.before.time, to: event.after.time });
        return [{ stream, event }];
      }),
  };
}
