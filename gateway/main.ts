import { join } from "node:path";
import type { Instant } from "../domain/model/index.ts";
import { loadDefinitions } from "../drivers/index.ts";
import { openAcquisition } from "./acquire/acquisition.ts";
import { firstReading } from "./acquire/first-reading.ts";
import { openVillageBroker } from "./acquire/village-broker.ts";
import type { GatewayOptions } from "./options.ts";
import { openRecord } from "./record/open.ts";
import type { RecordStore } from "./record/store.ts";
import { mustFitDevices } from "./site/fitting.ts";
import { steadySummariser } from "./summarise/steady.ts";
import { createSummariser } from "./summarise/summariser.ts";
import { traitsFrom } from "./summarise/traits.ts";
import { openTime, presentTime } from "./time/open.ts";

const openSiteRecord = ({ site, threads, log }: GatewayOptions, now: () => Instant): Promise<RecordStore> =>
  openRecord({
    path: join(site.data, "record.sqlite"),
    commitInterval: site.record.commitInterval,
    timeZone: site.timeZone,
    now,
    log,
    thread: threads?.record,
  });

/** What opens while other things go on; closed with the rest, however those end. */
function meanwhile<Opened extends AsyncDisposable>(opened: Promise<Opened>) {
  const outcome = opened.catch(() => undefined);
  return { opened, [Symbol.asyncDispose]: async () => (await outcome)?.[Symbol.asyncDispose]() };
}

/** How long everything else waits for a first reading, ms: loading it would hold that up. */
const REST_WAIT_MS = 250;

/** Opens everything, wires the path of a reading, and closes everything when the signal aborts. */
export async function runGateway(options: GatewayOptions): Promise<void> {
  const { site, threads, remembered, entropy, log, signal } = options;
  const present = presentTime();
  await using record = meanwhile(openSiteRecord(options, present.now));
  const catalogue = await loadDefinitions(
    site.devices.map(({ device }) => device),
    { folders: site.deviceFiles === undefined ? [] : [site.deviceFiles], remembered },
  );
  await mustFitDevices(site, catalogue);

  const store = await record.opened;
  await using time = await openTime({ ...options, store, present });
  const { clock } = time;
  const summariser = steadySummariser(time, (from) =>
    createSummariser(site, store, clock, from, traitsFrom(catalogue)),
  );
  const first = firstReading(summariser.observe);
  const parts = { site, catalogue, store, clock, log };
  await using acquisition = openAcquisition({ ...parts, entropy, time: time.reading, onKept: first.onKept });
  await using broker = await openVillageBroker({ ...parts, acquisition, entropy, thread: threads?.broker });

  await first.orAfter(REST_WAIT_MS, signal);
  const { runRest } = await import("./rest.ts");
  await runRest({ ...options, ...parts, time, summariser, acquisition, broker });
}
