import type { Discovered } from "./discovery.ts";
import type { SparkplugMemory } from "./sparkplug.ts";

/**
 * What a device said before that later messages depend on: names of Sparkplug metrics, topics that a discovery message
 * announced, uplinks that came already. Bounded, and lost with the process: a device says it again.
 */
export interface DeviceMemory {
  readonly sparkplug: SparkplugMemory;
  readonly discovered: Discovered;
  /** Ids of the last uplinks. */
  readonly uplinks: Set<string>;
}

export const deviceMemory = (): DeviceMemory => ({
  sparkplug: new Map(),
  discovered: new Map(),
  uplinks: new Set(),
});

const MAX_UPLINKS = 64;

/** True the first time that an id is seen. */
export function isNewUplink({ uplinks }: DeviceMemory, id: string | undefined): boolean {
  if (id === undefined) return true;
  if (uplinks.has(id)) return false;
  uplinks.add(id);
  if (uplinks.size > MAX_UPLINKS) for (const oldest of [...uplinks].slice(0, 1)) uplinks.delete(oldest);
  return true;
}
