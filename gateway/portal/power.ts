import { addMs, deviceId, type DeviceId, type Instant, type Reading } from "../../domain/model/index.ts";
import type { Live } from "../acquire/live.ts";
import type { Site } from "../site/load.ts";
import type { SiteDevice } from "../site/schema.ts";

/**
 * A member's power now, W; signs as in the record: positive `grid` comes from the grid, positive `battery` comes out
 * of it. A figure is absent where it is unknown: a value older than `FRESH_MS` is no "now", and a sum with an unknown
 * part is unknown.
 */
export interface PowerNow {
  readonly using?: number;
  readonly production?: number;
  readonly grid?: number;
  readonly battery?: number;
  /** The oldest value behind the figures; absent when none is known. */
  readonly asOf?: Instant;
  /** Which of the figures this house has meters for. */
  readonly has: { readonly production: boolean; readonly grid: boolean; readonly battery: boolean };
}

/** A value older than this is not "now" (site time). */
export const FRESH_MS = 5 * 60_000;

type Source = "grid" | "solar" | "battery";

interface Sum {
  readonly watts: number;
  readonly asOf: Instant;
}

export function powerNow(
  site: Site,
  live: Pick<Live, "latest">,
  { member, now }: { member: string; now: Instant },
): PowerNow {
  const own = site.devices.filter((device) => device.member === member);
  const of = (mounting: Source) => own.filter((device) => device.mounting === mounting);
  const sum = (mounting: Source) => sumOf(of(mounting), live, now);
  const [grid, solar, battery] = [sum("grid"), sum("solar"), sum("battery")];
  const using = addUp([
    grid,
    ...(of("solar").length ? [solar] : []),
    ...(of("battery").length ? [battery] : []),
  ]);
  const asOf = [grid, solar, battery].flatMap((one) => one?.asOf ?? []).sort((a, b) => a - b)[0];
  return {
    ...(using && { using: Math.max(0, using.watts) }),
    ...(solar && { production: solar.watts }),
    ...(grid && { grid: grid.watts }),
    ...(battery && { battery: battery.watts }),
    ...(asOf !== undefined && { asOf }),
    has: {
      production: of("solar").length > 0,
      grid: of("grid").length > 0,
      battery: of("battery").length > 0,
    },
  };
}

const sumOf = (devices: readonly SiteDevice[], live: Pick<Live, "latest">, now: Instant): Sum | undefined =>
  devices.length === 0
    ? undefined
    : addUp(devices.map(({ id }) => powerOf(live.latest(deviceId(id)), deviceId(id), now)));

function addUp(parts: readonly (Sum | undefined)[]): Sum | undefined {
  const known = parts.flatMap((part) => part ?? []);
  const [first] = known;
  if (!first || known.length < parts.length) return undefined;
  return known.slice(1).reduce(
    (total, part) => ({
      watts: total.watts + part.watts,
      asOf: part.asOf < total.asOf ? part.asOf : total.asOf,
    }),
    first,
  );
}

/** The device's power as a whole; a meter that tells its phases only is their sum, if each is known. */
function powerOf(readings: readonly Reading[], device: DeviceId, now: Instant): Sum | undefined {
  const prefix = `${device}/activePower`;
  const powers = readings.filter(({ stream }) => stream === prefix || stream.startsWith(`${prefix}/`));
  const whole = powers.find(({ stream }) => stream === prefix);
  const parts = whole ? [whole] : powers;
  return addUp(
    parts.map(({ value, time, quality }) =>
      quality === "ok" && addMs(time, FRESH_MS) >= now ? { watts: value, asOf: time } : undefined,
    ),
  );
}
