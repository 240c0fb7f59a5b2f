import { join } from "node:path";
import { openRecord } from "../../gateway/record/open.ts";
import type { BenchContext, Figure } from "../bench.ts";
import { figure, quantile, reading } from "./samples.ts";

/** The store alone, in one process: what the way over MQTT can reach at most. */
const CALLERS = 50;
const MEASURE_MS = 8_000;

/** Each caller has one reading under way, as a publisher with QoS 1 does; packing goes on meanwhile. */
export async function storeAlone({ folder, signal }: BenchContext): Promise<Figure[]> {
  await using record = await openRecord({ path: join(folder, "throughput", "record.sqlite") });
  const latencies: number[] = [];
  const end = performance.now() + MEASURE_MS;
  let n = 0;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (performance.now() < end && !signal.aborted) {
      const asked = performance.now();
      await record.append([reading(n++)]);
      latencies.push(performance.now() - asked);
    }
  });
  await Promise.all(callers);
  latencies.sort((a, b) => a - b);
  const { commits, frames } = record.stats();
  return [
    figure(
      `store alone: acknowledged, ${CALLERS} callers with one reading each`,
      (n * 1_000) / MEASURE_MS,
      "1/s",
    ),
    figure("store alone: time to the acknowledgement, median", quantile(latencies, 0.5), "ms"),
    figure("store alone: time to the acknowledgement, 99 of 100", quantile(latencies, 0.99), "ms"),
    figure("store alone: time to the acknowledgement, longest", quantile(latencies, 1), "ms"),
    figure("store alone: readings in a commit", n / commits, "readings"),
    figure("store alone: frames packed meanwhile", frames.packed, "frames"),
  ];
}
