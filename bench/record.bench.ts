import type { Bench, BenchContext, Figure } from "./bench.ts";
import { deviceBytes } from "./record/device-bytes.ts";
import { endToEnd } from "./record/end-to-end.ts";
import { keptReadings } from "./record/kept.ts";
import { polledMemory } from "./record/memory.ts";
import { starts } from "./record/starts.ts";
import { storeAlone } from "./record/store-alone.ts";

/** The record's promises in figures, in this order; docs/performance.md has them against their targets. */
const parts: Readonly<Record<string, (context: BenchContext) => Promise<readonly Figure[]>>> = {
  "end-to-end": endToEnd,
  starts,
  memory: polledMemory,
  "store-alone": storeAlone,
  "device-bytes": deviceBytes,
  kept: keptReadings,
};

export const bench: Bench = {
  name: "record",
  about: `acknowledged readings, starts, memory, bytes written and kept, queries; parts: ${Object.keys(parts).join(", ")}`,
  async run(context) {
    const { only } = context;
    if (only !== undefined && !parts[only]) throw new Error(`there is no part "${only}"`);
    const figures: Figure[] = [];
    for (const [name, part] of Object.entries(parts)) {
      if (context.signal.aborted || (only !== undefined && only !== name)) continue;
      figures.push(...(await attempt(name, part, context)));
    }
    return figures;
  },
};

/** One part that fails takes no other along, but is said. */
async function attempt(
  name: string,
  part: (context: BenchContext) => Promise<readonly Figure[]>,
  context: BenchContext,
): Promise<readonly Figure[]> {
  try {
    return await part(context);
  } catch (error) {
    context.note(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
    return [];
  }
}
