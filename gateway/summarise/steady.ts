import type { GatewayTime } from "../time/time.ts";
import type { Beginning, Summariser } from "./summariser.ts";

/** What a summariser needs to know of the time. */
export type SteadyTime = Pick<GatewayTime, "clock" | "corrections" | "startedOn" | "leap" | "exclusive">;

/**
 * A summariser that does nothing before the time is known, and begins anew from the record when the time was
 * corrected: what it had drawn up to then lies on another line.
 */
export function steadySummariser(time: SteadyTime, make: (beginning: Beginning) => Summariser): Summariser {
  let made: { summariser: Summariser; corrections: number } | undefined;
  const current = (): Summariser | undefined => {
    if (!time.clock.trusted()) return undefined;
    if (made?.corrections !== time.corrections) {
      const summariser = make({ started: time.startedOn(), leap: time.leap() });
      made = { summariser, corrections: time.corrections };
    }
    return made.summariser;
  };
  return {
    observe: (readings) => current()?.observe(readings),
    // Between passes only: a pass that is under way when the time moves would write how far it came on the old line.
    pass: () => time.exclusive(async () => (await current()?.pass()) ?? false),
  };
}
