import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InfluxDB, type IPoint, type IPoolOptions } from "influx";
import { FieldwattError, messageOf, type Reading } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { Site } from "../site/load.ts";
import type { Target } from "./follow.ts";
import { insideLookup, isInsideHost } from "./inside.ts";
import { pointsOf } from "./points.ts";
import type { InfluxSettings } from "./settings.ts";

/** InfluxDB 1.x, and what speaks its /write (VictoriaMetrics, InfluxDB 2 and 3 with a mapping). */

/** A request that is not answered by then counts as failed, ms. */
const ANSWER_MS = 15_000;
/** Requests by which the refused points of one batch are searched; what they do not part is counted as refused. */
export const SEARCH_REQUESTS_MAX = 100;
/** Refused points that the log names, of one batch. */
const NAMED_MAX = 5;

/** The package would try by itself and leave timers behind; the follower decides when to try again. */
const noBackoff: NonNullable<IPoolOptions["backoff"]> = {
  getDelay: () => 0,
  next: () => noBackoff,
  reset: () => noBackoff,
};

export interface InfluxOptions {
  readonly site: Pick<Site, "devices">;
  readonly settings: InfluxSettings;
  readonly password: string | undefined;
  readonly log: Pick<Logger, "warn" | "info">;
}

/** Rejects with SITE_FILE_INVALID when the password cannot be read. */
export async function readInfluxPassword(
  file: string,
  settings: InfluxSettings,
): Promise<string | undefined> {
  if (settings.passwordFile === undefined) return undefined;
  const path = resolve(dirname(file), settings.passwordFile);
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    const message = `sinks.influxdb: the password file ${path} cannot be read: ${messageOf(error)}`;
    throw new FieldwattError("SITE_FILE_INVALID", message);
  }
}

export function influxTarget(options: InfluxOptions): Target {
  const { settings, log } = options;
  const influx = connect(options);
  const { database, retentionPolicy } = settings;
  const write = (points: IPoint[]): Promise<void> =>
    influx.writePoints(points, { database, precision: "n", ...(retentionPolicy && { retentionPolicy }) });
  const toPoint = pointsOf(options.site);

  /** @returns how many InfluxDB refused */
  async function part(readings: readonly Reading[]): Promise<number> {
    const all = (): Promise<void> => write(readings.map(toPoint));
    try {
      await all().catch((error: unknown) =>
        isMissingDatabase(error) ? makeDatabase().then(all) : Promise.reject(error as Error),
      );
      return 0;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const found = await searchRefused(readings, (some) => write(some.map(toPoint)));
      tellRefused(found, log);
      return found.reduce((sum, { readings: some }) => sum + some.length, 0);
    }
  }

  async function makeDatabase(): Promise<void> {
    await influx.createDatabase(database).catch((cause: unknown) => {
      throw new Error(`the database ${database} is not there and cannot be made: ${messageOf(cause)}`);
    });
    log.info({ database }, "InfluxDB: the database was made");
  }

  return {
    async write({ readings }) {
      let refused = 0;
      for (let at = 0; at < readings.length; at += settings.batch)
        refused += await part(readings.slice(at, at + settings.batch));
      return { refused };
    },
  };
}

function connect({ settings, password }: InfluxOptions): InfluxDB {
  const { protocol, hostname, port, pathname } = new URL(settings.url);
  const secure = protocol === "https:";
  return new InfluxDB({
    hosts: [
      {
        host: hostname,
        port: Number(port) || (secure ? 443 : 80),
        protocol: secure ? "https" : "http",
        path: pathname === "/" ? "" : pathname,
        // A name that seems to be inside must be it when it is looked up, too.
        options: isInsideHost(hostname) ? { lookup: insideLookup } : {},
      },
    ],
    database: settings.database,
    ...(settings.user !== undefined && { username: settings.user, password: password ?? "" }),
    pool: { maxRetries: 0, requestTimeout: ANSWER_MS, backoff: noBackoff },
  });
}

const statusOf = (error: unknown): number | undefined =>
  (error as { res?: { statusCode?: number } } | undefined)?.res?.statusCode;

const isMissingDatabase = (error: unknown): boolean =>
  statusOf(error) === 404 && messageOf(error).includes("database not found");

/** What no other try would change: the points themselves (400), or a request that is too large (413). */
const isRefusal = (error: unknown): boolean => [400, 413].includes(statusOf(error) ?? 0);

interface Refused {
  readonly readings: readonly Reading[];
  readonly because: string;
}

/**
 * Halves a refused batch until the points stand alone that InfluxDB does not take, so that one of them holds nobody
 * else up. What is written twice on the way does not double.
 */
async function searchRefused(
  readings: readonly Reading[],
  write: (readings: readonly Reading[]) => Promise<void>,
): Promise<Refused[]> {
  const found: Refused[] = [];
  const suspects = halves(readings);
  for (let requests = 0; ; requests++) {
    const some = suspects.shift();
    if (!some) return found;
    try {
      await write(some);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (some.length === 1 || requests >= SEARCH_REQUESTS_MAX)
        found.push({ readings: some, because: messageOf(error) });
      else suspects.push(...halves(some));
    }
  }
}

function halves(readings: readonly Reading[]): (readonly Reading[])[] {
  const middle = Math.ceil(readings.length / 2);
  return [readings.slice(0, middle), readings.slice(middle)].filter(({ length }) => length > 0);
}

function tellRefused(found: readonly Refused[], log: Pick<Logger, "warn">): void {
  for (const { readings, because } of found.slice(0, NAMED_MAX)) {
    const [first] = readings;
    const fields = { stream: first?.stream, time: first?.time, readings: readings.length, because };
    log.warn(fields, "InfluxDB refuses a reading; it stays in the record and is not sent again");
  }
}
