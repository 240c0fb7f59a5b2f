import { SOURCES, type Placement } from "../../domain/energy/normalise.ts";
import { deviceId, FieldwattError } from "../../domain/model/index.ts";
import {
  deviceMemory,
  openPlausibility,
  type Definitions,
  type Decoded,
  type DeviceMemory,
} from "../../drivers/index.ts";
import { siteDevices, type SitedDevice } from "../site/devices.ts";
import type { Site } from "../site/load.ts";

/** A device of the site, and what is to be known of it while it is read. */
export interface Placed extends SitedDevice {
  readonly placement: Placement;
  /** What an MQTT device said before that later messages depend on. */
  readonly memory: DeviceMemory;
  /** Marks what cannot be true by its device file, whatever wire it came over. */
  readonly judge: (decoded: Decoded) => Decoded;
}

/** Resolves when what a device said is durable. */
export type KeepFrom = (from: Placed, decoded: Decoded) => Promise<void>;

/** Throws SITE_FILE_INVALID where a device does not fit its device file or its bus. */
export function placedDevices(site: Site, catalogue: Definitions): Placed[] {
  const { devices, problems } = siteDevices(site, catalogue);
  const [problem] = problems;
  if (problem) throw new FieldwattError("SITE_FILE_INVALID", problem.message);
  return devices.map((sited) => {
    const { id, mounting, reversed } = sited.device;
    // What a flow writes is in the site's sense already.
    const isVirtual = sited.connection.kind === "virtual";
    const generator = isVirtual ? SOURCES.has(mounting) : sited.definition.generator;
    return {
      ...sited,
      placement: { device: deviceId(id), mounting, reversed, generator },
      memory: deviceMemory(),
      judge: openPlausibility(sited.definition),
    };
  });
}
