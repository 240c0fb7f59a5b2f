import { addMs, FieldwattError, type Instant } from "../../domain/model/index.ts";

/** Frames that nobody asked for, between two readings of the line, before their sender is muted. */
export const BABBLE_MAX = 20;
export const MUTED_MS = 5 * 60_000;

/** The nodes of a line that speak without being asked: they are named, and not heard for a while. */
export interface Muted {
  /** Throws DEVICE_GARBLED while the node is muted. */
  check(number: number, unasked: ReadonlyMap<number, number>): void;
}

export function openMuted(now: () => Instant): Muted {
  const until = new Map<number, Instant>();
  return {
    check(number, unasked) {
      const latest = addMs(now(), MUTED_MS);
      for (const [sender, frames] of unasked) if (frames > BABBLE_MAX) until.set(sender, latest);
      const end = until.get(number);
      if (end === undefined) return;
      // A clock that was set back is followed.
      if (end > now() && end <= latest) {
        const what = `node ${number} speaks without being asked: it is muted for ${MUTED_MS / 60_000} min`;
        throw new FieldwattError("DEVICE_GARBLED", what);
      }
      until.delete(number);
    },
  };
}
