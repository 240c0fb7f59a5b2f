import { join, resolve } from "node:path";
import type { Clock } from "../../domain/model/index.ts";
import type { Definitions } from "../../drivers/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { Acquisition } from "../acquire/acquisition.ts";
import type { RecordStore } from "../record/store.ts";
import type { Site } from "../site/load.ts";
import { sinkCursor } from "./cursor.ts";
import { openFollower, type SinkState } from "./follow.ts";
import type { Publisher } from "./home-assistant/publisher.ts";

/** Where readings go besides the record, as `sinks:` of the site file says; each module is loaded where it is used. */
export interface Sinks extends AsyncDisposable {
  /** In the order of the site file's schema; empty where there is no sink. */
  states(): readonly SinkState[];
}

export interface SinksOptions {
  readonly site: Site;
  readonly catalogue: Definitions;
  readonly store: Pick<RecordStore, "feed" | "read" | "run" | "stats">;
  readonly acquisition: Pick<Acquisition, "live" | "states">;
  /** The village broker, with the way to Home Assistant where it is the gateway's own. */
  readonly broker: { readonly homeAssistant?: Publisher | undefined } | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

interface OpenSink extends AsyncDisposable {
  state(): SinkState;
}

/** InfluxDB gets at least one request a second while there is something to write. */
const INFLUX_GATHER_MS = 1_000;
/** CSV files are written in larger pieces: nobody watches them grow. */
const CSV_GATHER_MS = 10_000;
const CSV_BATCH = 5_000;

/** Rejects with SITE_FILE_INVALID when a password cannot be read, and with what the file system says of a CSV folder. */
export async function openSinks(options: SinksOptions): Promise<Sinks> {
  await using stack = new AsyncDisposableStack();
  const open: OpenSink[] = [];
  for (const opening of [openInflux, openCsv, openHomeAssistantSink]) {
    const sink = await opening(options);
    if (sink) open.push(stack.use(sink));
  }
  const opened = stack.move();
  return {
    states: () => open.map((sink) => sink.state()),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openInflux({ site, store, clock, log }: SinksOptions): Promise<OpenSink | undefined> {
  const settings = site.sinks.influxdb;
  if (!settings) return undefined;
  const { influxTarget, readInfluxPassword } = await import("./influxdb.ts");
  const password = await readInfluxPassword(site.file, settings);
  if (settings.outsideHost !== undefined)
    log.warn(
      { host: settings.outsideHost },
      "InfluxDB: readings of members leave the village, as the site file says",
    );
  // Another place begins with the whole record.
  const name = `influxdb ${settings.url} ${settings.database}`;
  return openFollower({
    name: "influxdb",
    feed: store.feed,
    target: influxTarget({ site, settings, password, log }),
    cursor: sinkCursor(store.read, name),
    save: (cursor) => store.run("saveSinkCursor", { name, cursor }),
    batch: settings.batch,
    gatherMs: INFLUX_GATHER_MS,
    committed: () => store.stats().readingsCommitted,
    now: () => clock.now(),
    log,
  });
}

async function openCsv({ site, store, clock, log }: SinksOptions): Promise<OpenSink | undefined> {
  const settings = site.sinks.csv;
  if (!settings) return undefined;
  const { openCsvTarget } = await import("./csv.ts");
  const { gzip, keepDays } = settings;
  const folder = resolve(site.data, settings.folder);
  const target = await openCsvTarget({ folder, zone: site.timeZone, clock, gzip, keepDays });
  const follower = openFollower({
    name: "csv",
    feed: store.feed,
    target,
    cursor: target.cursor,
    batch: CSV_BATCH,
    gatherMs: CSV_GATHER_MS,
    committed: () => store.stats().readingsCommitted,
    now: () => clock.now(),
    log,
  });
  return {
    state: () => follower.state(),
    async [Symbol.asyncDispose]() {
      await follower[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

async function openHomeAssistantSink(options: SinksOptions): Promise<OpenSink | undefined> {
  const { site, catalogue, acquisition, broker, clock, log } = options;
  const settings = site.sinks.homeAssistant;
  if (!settings) return undefined;
  const naming = { site: site.id, prefix: settings.prefix, topic: settings.topic };
  const publisher = site.externalBroker
    ? await (
        await import("./home-assistant/publisher.ts")
      ).externalPublisher(naming, site, site.externalBroker)
    : broker?.homeAssistant;
  if (!publisher) return undefined;
  const { openHomeAssistant } = await import("./home-assistant/sink.ts");
  return openHomeAssistant({
    naming,
    everySeconds: settings.everySeconds,
    devices: site.devices.map(({ id, device }) => {
      const { maker, model } = catalogue.find(device);
      return { id, maker, model };
    }),
    file: join(site.data, "home-assistant.json"),
    live: acquisition.live,
    states: () => acquisition.states(),
    publisher,
    now: () => clock.now(),
    log,
  });
}
