import { join } from "node:path";
import { memberId, messageOf, type Clock, type Entropy, type Instant } from "../domain/model/index.ts";
import { loadCatalogue } from "../drivers/index.ts";
import type { Logger } from "../platform/log.ts";
import { openAccounts } from "../platform/web/accounts.ts";
import { openAcquisition } from "./acquire/acquisition.ts";
import { firstReading } from "./acquire/first-reading.ts";
import { openVillageBroker } from "./acquire/village-broker.ts";
import { forgettingOf } from "./erasure/forgetting.ts";
import { openOutside } from "./forward/outside.ts";
import { openGovernance } from "./governance/active.ts";
import { openPages } from "./pages.ts";
import { openRecord } from "./record/open.ts";
import { keepRecord } from "./record/upkeep.ts";
import type { RecordStore } from "./record/store.ts";
import { logSigner } from "./release/egress-log.ts";
import { createGates } from "./release/gates.ts";
import { gatewayFigures, type Figures } from "./sinks/figures.ts";
import { metricsWhenAsked } from "./sinks/metrics.ts";
import { openSinks } from "./sinks/sinks.ts";
import { mustFitDevices } from "./site/devices.ts";
import { openIdentity } from "./site/identity.ts";
import type { Site } from "./site/load.ts";
import { farmMembers } from "./summarise/farm-days.ts";
import { steadySummariser } from "./summarise/steady.ts";
import { createSummariser, keepSummarising } from "./summarise/summariser.ts";
import { traitsFrom } from "./summarise/traits.ts";
import type { GatewayThreads } from "./threads.ts";
import type { Machine } from "./time/machine.ts";
import { openTime, presentTime } from "./time/open.ts";

export interface GatewayOptions {
  readonly site: Site;
  /** Threads that have been started before; ended by whoever started them where the site does not need them. */
  readonly threads?: Pick<GatewayThreads, "record" | "broker"> | undefined;
  /** The clock of a demo village; absent where the machine tells the time. */
  readonly village?: Clock | undefined;
  readonly machine: Machine;
  readonly entropy: Entropy;
  /** The world's time, ms, for the lifetimes of sessions and links. */
  readonly wallNow: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  onReady(gateway: { portalPort: number; brokerPort: number | undefined; figures: () => Figures }): void;
}

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

/** Opens everything, wires the path of a reading, and closes everything when the signal aborts. */
export async function runGateway(options: GatewayOptions): Promise<void> {
  const { site, threads, entropy, wallNow, log, signal, onReady } = options;
  const present = presentTime();
  await using record = meanwhile(openSiteRecord(options, present.now));
  const catalogue = await loadCatalogue(site.deviceFiles === undefined ? [] : [site.deviceFiles]);
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

  const identity = await openIdentity(site.data, entropy);
  const { officers } = site.governance ?? {};
  const policy = openGovernance({ read: store.read, clock, officers, log }).activePolicy;
  const signer = logSigner(site.id, identity.keys);
  const members = site.members.map(({ id }) => memberId(id));
  const ofSite = { timeZone: site.timeZone, hub: site.hub, members, entropy };
  const gate = createGates({ store, policy, clock, secret: identity.secret, signer, ...ofSite });
  await using sinks = await openSinks({ ...parts, acquisition, broker });
  await using link = await openOutside(site, { identity, store, policy, time, log });

  await using accounts = openAccounts({ path: join(site.data, "accounts.sqlite"), entropy, wallNow });
  const states = { devices: () => acquisition.states(), link: () => link?.state(), broker: () => broker };
  const health = { ...states, sinks };
  const metrics = metricsWhenAsked({ site, live: acquisition.live, store, broker, gate, health, clock });
  const about = { ...parts, policy, identity, accounts, time, metrics, health };
  await using portal = await openPages({ ...options, ...about, acquisition, broker, first });

  time.begin({ onDated: summariser.observe, onCorrected: acquisition.live.forget });
  onReady({ portalPort: portal.port, brokerPort: broker?.port, figures: () => gatewayFigures(store) });
  const forget = forgettingOf({ site, identity, store, clock, log });
  const onPass = async (): Promise<void> => {
    await forget();
    while (await gate.pass()) continue;
    link?.nudge();
  };
  const onFault = (error: unknown): void =>
    log.error({ because: messageOf(error) }, "summaries wait: the record does not commit");
  const kept = { timeZone: site.timeZone, retention: site.record.retention, farms: farmMembers(site) };
  const upkeep = keepRecord({ store, clock, ...kept, log, signal });
  await keepSummarising(summariser, { clock, signal, onPass, onFault });
  await upkeep;
}
