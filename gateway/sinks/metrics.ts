import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Live } from "../acquire/live.ts";
import type { Site } from "../site/load.ts";
import type { Metrics, MetricsOptions } from "./prometheus.ts";

export interface AskedMetrics extends Pick<Metrics, "render"> {
  /** Whether an Authorization header carries the token of `sinks.prometheus`; never where the site file names none. */
  isToken(authorization: string | undefined): Promise<boolean>;
}

export type AskedMetricsOptions = Omit<MetricsOptions, "measured"> & {
  readonly site: Site;
  readonly live: Pick<Live, "latest">;
};

/** Shorter ones could be guessed. */
const TOKEN_LENGTH_MIN = 16;

/** The metrics, whose library is loaded when somebody asks for them first: most gateways are never asked. */
export function metricsWhenAsked(options: AskedMetricsOptions): AskedMetrics {
  const { site, live } = options;
  let metrics: Promise<Metrics> | undefined;
  const load = async (): Promise<Metrics> =>
    (await import("./prometheus.ts")).openMetrics({ ...options, measured: { devices: site.devices, live } });
  return {
    render: async (how) => (await (metrics ??= load())).render(how),
    isToken: (authorization) => isToken(site, authorization),
  };
}

/** The file is read each time, so that a new token needs no restart; one that cannot be read lets nobody in. */
async function isToken({ file, sinks }: Site, authorization: string | undefined): Promise<boolean> {
  const given = /^Bearer (\S+)$/.exec(authorization ?? "")?.[1];
  if (!sinks.prometheus || given === undefined) return false;
  const path = resolve(dirname(file), sinks.prometheus.tokenFile);
  const token = (await readFile(path, "utf8").catch(() => "")).trim();
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return token.length >= TOKEN_LENGTH_MIN && timingSafeEqual(digest(given), digest(token));
}
