import type { Metrics, MetricsOptions } from "./prometheus.ts";

/** The metrics, whose library is loaded when somebody asks for them first: most gateways are never asked. */
export function metricsWhenAsked(options: MetricsOptions): Pick<Metrics, "render"> {
  let metrics: Promise<Metrics> | undefined;
  const load = async (): Promise<Metrics> => (await import("./prometheus.ts")).openMetrics(options);
  return {
    render: async () => (await (metrics ??= load())).render(),
  };
}
