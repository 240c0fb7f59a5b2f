import type { IPoint } from "influx";
import type { Reading } from "../../domain/model/index.ts";
import type { Site } from "../site/load.ts";

/** Nanoseconds of a millisecond: where a sequence is told apart. */
const NS_PER_MS = 1_000_000n;

/**
 * A reading as a point: the measurement is the quantity, the value is in its one stored unit. A point that is written
 * twice is one point, because InfluxDB keeps one value for a series and time; readings of one millisecond that differ
 * in their sequence differ in the digits below the millisecond. Streams of devices that the site file no longer has
 * keep the device as tag and go without member and mounting.
 */
export function pointsOf(site: Pick<Site, "devices">): (reading: Reading) => IPoint {
  const devices = new Map(site.devices.map((device) => [device.id, device]));
  return ({ stream, time, value, quality, sequence = 0 }) => {
    const [device = "", measurement = "", ...channel] = stream.split("/");
    const { member, mounting } = devices.get(device) ?? {};
    return {
      measurement,
      tags: {
        device,
        quality,
        ...(mounting !== undefined && { mounting }),
        ...(member !== undefined && { member }),
        ...(channel.length > 0 && { channel: channel.join("/") }),
      },
      fields: { value },
      timestamp: String(BigInt(time) * NS_PER_MS + (BigInt(sequence) % NS_PER_MS)),
    };
  };
}
