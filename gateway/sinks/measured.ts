import { Counter, Gauge, type Registry } from "prom-client";
import { deviceId, type Quantity } from "../../domain/model/index.ts";
import type { DeviceState } from "../acquire/device-state.ts";
import type { Live } from "../acquire/live.ts";
import type { Site } from "../site/load.ts";
import { METRIC_NAMES, type MetricName } from "./prometheus-names.ts";

/** What the devices measure now, for `/metrics`. */
export interface MeasuredOptions {
  readonly devices: Site["devices"];
  readonly live: Pick<Live, "latest">;
}

/** Series of one answer; a village beyond it is for the InfluxDB sink. */
export const SERIES_MAX = 20_000;
/** No member's name: whose a device is, the site file says. */
const LABELS = ["device", "mounting", "channel"];

/**
 * Registers the metrics. The returned function takes the newest values: those of devices that answer, and of a quality
 * that counts. What is unknown is not there, which Prometheus shows as a gap.
 */
export function measuredMetrics(
  registry: Registry,
  { devices, live }: MeasuredOptions,
): (states: readonly DeviceState[]) => void {
  const metrics = new Map(
    Object.entries(METRIC_NAMES).map(([quantity, name]) => [quantity, openMetric(registry, name)]),
  );
  const mountings = new Map(devices.map(({ id, mounting }) => [id, mounting]));
  return (states) => {
    for (const { metric } of metrics.values()) metric.reset();
    let series = 0;
    for (const { id, state } of states) {
      if (state !== "ok") continue;
      for (const { stream, value, quality } of live.latest(deviceId(id))) {
        const [, quantity = "", ...channel] = stream.split("/");
        const found = metrics.get(quantity as Quantity);
        if (!found || !["ok", "estimated"].includes(quality) || series >= SERIES_MAX) continue;
        // A register below zero is no counter.
        if (value < 0 && found.metric instanceof Counter) continue;
        series++;
        const labels = { device: id, mounting: mountings.get(id) ?? "", channel: channel.join("/") };
        found.metric.inc(labels, value * found.factor);
      }
    }
  };
}

interface OpenMetric {
  readonly metric: Counter | Gauge;
  readonly factor: number;
}

/** A register is a counter: Prometheus takes a rollover for a reset, as it does for every counter. */
function openMetric(registry: Registry, { name, help, factor }: MetricName): OpenMetric {
  const options = { name, help, labelNames: LABELS, registers: [registry] };
  const metric = name.endsWith("_total") ? new Counter(options) : new Gauge(options);
  return { metric, factor };
}
