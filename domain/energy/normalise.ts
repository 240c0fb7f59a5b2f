import {
  streamId,
  type DeviceId,
  type Instant,
  type Mounting,
  type Quantity,
  type Reading,
  type Sample,
  type StreamId,
} from "../model/index.ts";

/** How a device sits on the site: all that decides about signs. */
export interface Placement {
  readonly device: DeviceId;
  readonly mounting: Mounting;
  /** Wired the other way round: import and export change places. */
  readonly reversed: boolean;
  /**
   * The device is a source itself (an inverter, a charge controller) and tells its output as positive power. A meter
   * tells what flows into its load as positive, wherever it hangs.
   */
  readonly generator: boolean;
}

/** Channels of one quantity whose names are kept: what a device calls its channels is its own affair. */
const CHANNELS_MAX = 64;

const SWAPPED: Partial<Record<Quantity, Quantity>> = {
  activeEnergyImport: "activeEnergyExport",
  activeEnergyExport: "activeEnergyImport",
  reactiveEnergyImport: "reactiveEnergyExport",
  reactiveEnergyExport: "reactiveEnergyImport",
};
const SIGNED: ReadonlySet<Quantity> = new Set(["activePower", "reactivePower"]);

/** The names of a placement's streams, made once: thousands of readings a second carry them. Few have channels. */
interface Names {
  readonly whole: Map<Quantity, StreamId>;
  readonly channels: Map<Quantity, Map<string, StreamId>>;
}

const names = new WeakMap<Placement, Names>();

function nameOf(placement: Placement, quantity: Quantity, channel: string | undefined): StreamId {
  let known = names.get(placement);
  if (!known) names.set(placement, (known = { whole: new Map(), channels: new Map() }));
  if (channel !== undefined) return nameOfChannel(placement, known.channels, { quantity, channel });
  let name = known.whole.get(quantity);
  if (name === undefined) known.whole.set(quantity, (name = streamId(placement.device, quantity)));
  return name;
}

function nameOfChannel(
  { device }: Placement,
  quantities: Names["channels"],
  { quantity, channel }: { readonly quantity: Quantity; readonly channel: string },
): StreamId {
  let channels = quantities.get(quantity);
  if (!channels) quantities.set(quantity, (channels = new Map()));
  let name = channels.get(channel);
  if (name !== undefined) return name;
  name = streamId(device, quantity, channel);
  if (channels.size < CHANNELS_MAX) channels.set(channel, name);
  return name;
}

/** Mountings whose power is positive when it leaves the device towards the site. */
export const SOURCES: ReadonlySet<Mounting> = new Set(["solar", "battery"]);

/**
 * A sample in the site's sense of direction. Energy registers keep the words of the meter (import flows to the load
 * side): on a grid meter import came from the grid, on a solar or battery meter export went to the house.
 *
 * @param now the time of samples that carry none
 */
export function normalise(sample: Sample, placement: Placement, now: Instant): Reading {
  const { mounting, reversed, generator } = placement;
  const quantity = reversed ? (SWAPPED[sample.quantity] ?? sample.quantity) : sample.quantity;
  const outwards = SOURCES.has(mounting) !== generator;
  const flip = SIGNED.has(quantity) && outwards !== reversed;
  return {
    stream: nameOf(placement, quantity, sample.channel),
    time: sample.time ?? now,
    // 0 − 0 is 0 where −0 would show up as "-0" on a page.
    value: flip ? 0 - sample.value : sample.value,
    quality: sample.quality ?? "ok",
    ...(sample.sequence !== undefined && { sequence: sample.sequence }),
  };
}
