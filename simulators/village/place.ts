/** Near Machakos, Kenya. East Africa Time has been UTC+3 without summer time since 1960 (tz database). */
export const PLACE = {
  latitude: -1.52,
  longitude: 37.26,
  elevation: 1600,
  timeZone: "Africa/Nairobi",
} as const;

export const UTC_OFFSET_MINUTES = 180;

/** The village moves in steps of one minute of its own time. */
export const STEP_MS = 60_000;

/** What happened before the devices were hung: enough for a logger's backlog and for a soil that is not new. */
export const HISTORY_MS = 3 * 86_400_000;

/** Minutes since local midnight, 0 to 1439. */
export const localMinute = (time: number): number => (Math.floor(time / STEP_MS) + UTC_OFFSET_MINUTES) % 1440;
