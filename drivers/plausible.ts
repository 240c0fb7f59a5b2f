import type { Instant, Sample } from "../domain/model/index.ts";
import type { DeviceDefinition } from "./definition.ts";
import type { Decoded, Problem } from "./driver.ts";
import type { Limit } from "./limits.ts";
import { targetName } from "./value.ts";

/**
 * Whether a value can be true, by the limits of its device file, whatever the device speaks. Outside its range it is
 * marked implausible and told (the decoders of registers and LoRaWAN payloads have marked it already, by the layout that
 * they found). What one reading cannot tell is whether a value may follow the one before it: one that jumps further than
 * its device file allows, or a counter that runs backwards, is marked too. That is believed when the next reading
 * confirms it: the meter was changed, or the device was away for long.
 */
interface Track {
  last?: number;
  /** The device's own stamp of `last`: what a backlog brings from before it follows nothing. */
  time?: Instant;
  /** The last value that was doubted; the next one near it is believed. */
  doubted?: number;
}

/** A counter that falls from the last tenth of its range into the first has gone round. */
const NEAR_THE_END = 0.9;

/** Follows one device; hand it every reading of it, in order. */
export function openPlausibility({ limits }: DeviceDefinition): (decoded: Decoded) => Decoded {
  const rules = new Map(limits.filter(hasRule).map((limit) => [targetName(limit), limit]));
  if (rules.size === 0) return (decoded) => decoded;
  const tracks = new Map<string, Track>();
  return ({ samples, problems }) => {
    const told: Problem[] = [];
    const judged = samples.map((sample) => {
      const name = targetName(sample);
      const rule = rules.get(name) ?? rules.get(sample.quantity);
      if (!rule || (sample.quality !== undefined && sample.quality !== "ok")) return sample;
      const track = tracks.get(name) ?? {};
      tracks.set(name, track);
      const because = outside(rule, sample.value) ?? doubt(rule, track, sample);
      if (because === undefined) return sample;
      told.push({ code: "outOfRange", detail: `${name}: ${because}` });
      return { ...sample, quality: "implausible" } satisfies Sample;
    });
    return { samples: judged, problems: [...problems, ...told] };
  };
}

const hasRule = ({ valid, counter }: Limit): boolean => valid !== undefined || counter?.kind === "monotonic";

function outside({ valid }: Limit, value: number): string | undefined {
  const { min = -Infinity, max = Infinity } = valid ?? {};
  return value < min || value > max ? `${value} is not between ${min} and ${max}` : undefined;
}

/** Why the value is not believed, or undefined; the track moves on with every value that is. */
function doubt(rule: Limit, track: Track, { value, time }: Sample): string | undefined {
  if (time !== undefined && track.time !== undefined && time < track.time) return undefined;
  const because = track.last === undefined ? undefined : against(rule, track.last, value);
  if (
    because !== undefined &&
    (track.doubted === undefined || against(rule, track.doubted, value) !== undefined)
  ) {
    track.doubted = value;
    return because;
  }
  track.last = value;
  if (time !== undefined) track.time = time;
  delete track.doubted;
  return undefined;
}

/** Why `value` cannot follow `last`, or undefined. */
function against({ valid, counter }: Limit, last: number, value: number): string | undefined {
  const { maxStep = Infinity } = valid ?? {};
  const { kind, modulus } = counter ?? {};
  const wentRound =
    modulus !== undefined && last > NEAR_THE_END * modulus && value < (1 - NEAR_THE_END) * modulus;
  if (value < last && kind !== undefined) {
    if (kind === "monotonic" && !wentRound) return `the counter fell from ${last} to ${value}`;
    return undefined;
  }
  return Math.abs(value - last) > maxStep ? `it jumped from ${last} to ${value}` : undefined;
}
