import type { Sample } from "../domain/model/index.ts";
import type { Counter, DeviceDefinition, ModbusPoint, ValidRange } from "./definition.ts";
import type { Decoded, Problem } from "./driver.ts";
import { targetName } from "./value.ts";

/**
 * What one reading cannot tell: whether a value may follow the one before it. A value that jumps further than its
 * device file allows, or a counter that runs backwards, is marked implausible and told. It is believed when the next
 * reading confirms it: the meter was changed, or the device was away for long.
 */
interface Rule {
  readonly valid?: ValidRange;
  readonly counter?: Counter;
}

interface Track {
  last?: number;
  /** The last value that was doubted; the next one near it is believed. */
  doubted?: number;
}

/** A counter that falls from the last tenth of its range into the first has gone round. */
const NEAR_THE_END = 0.9;

/** Follows one device; hand it every reading of it, in order. */
export function openPlausibility({ dialect }: DeviceDefinition): (decoded: Decoded) => Decoded {
  const rules = new Map(
    dialect.kind === "modbus"
      ? dialect.points.filter(hasRule).map((point) => [targetName(point), point])
      : [],
  );
  if (rules.size === 0) return (decoded) => decoded;
  const tracks = new Map<string, Track>();
  return ({ samples, problems }) => {
    const told: Problem[] = [];
    const judged = samples.map((sample) => {
      const name = targetName(sample);
      const rule = rules.get(name);
      if (!rule || (sample.quality !== undefined && sample.quality !== "ok")) return sample;
      const track = tracks.get(name) ?? {};
      tracks.set(name, track);
      const because = doubt(rule, track, sample.value);
      if (because === undefined) return sample;
      told.push({ code: "outOfRange", detail: `${name}: ${because}` });
      return { ...sample, quality: "implausible" } satisfies Sample;
    });
    return { samples: judged, problems: [...problems, ...told] };
  };
}

const hasRule = ({ valid, counter }: ModbusPoint): boolean =>
  valid?.maxStep !== undefined || counter?.kind === "monotonic";

/** Why the value is not believed, or undefined; the track moves on with every value that is. */
function doubt(rule: Rule, track: Track, value: number): string | undefined {
  const because = track.last === undefined ? undefined : against(rule, track.last, value);
  if (
    because !== undefined &&
    (track.doubted === undefined || against(rule, track.doubted, value) !== undefined)
  ) {
    track.doubted = value;
    return because;
  }
  track.last = value;
  delete track.doubted;
  return undefined;
}

/** Why `value` cannot follow `last`, or undefined. */
function against({ valid, counter }: Rule, last: number, value: number): string | undefined {
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
