import { join } from "node:path";
import { memberId, messageOf, type Clock } from "../domain/model/index.ts";
import type { Definitions } from "../drivers/index.ts";
import { openAccounts } from "../platform/web/accounts.ts";
import type { Acquisition } from "./acquire/acquisition.ts";
import type { VillageBroker } from "./acquire/village-broker.ts";
import { forgettingOf } from "./erasure/forgetting.ts";
import { openOutside } from "./forward/outside.ts";
import { openGovernance } from "./governance/active.ts";
import type { GatewayOptions } from "./options.ts";
import { openPages } from "./pages.ts";
import { keepRecord } from "./record/upkeep.ts";
import type { RecordStore } from "./record/store.ts";
import { logSigner } from "./release/egress-log.ts";
import { createGates } from "./release/gates.ts";
import { gatewayFigures } from "./sinks/figures.ts";
import { metricsWhenAsked } from "./sinks/metrics.ts";
import { openSinks } from "./sinks/sinks.ts";
import { openIdentity } from "./site/identity.ts";
import { farmMembers } from "./summarise/farm-days.ts";
import { keepSummarising, type Summariser } from "./summarise/summariser.ts";
import type { GatewayTime } from "./time/time.ts";

/** What a reading passes on its way into the record. */
export interface RestOptions extends GatewayOptions {
  readonly catalogue: Definitions;
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly time: GatewayTime;
  readonly summariser: Summariser;
  readonly acquisition: Acquisition;
  readonly broker: VillageBroker | undefined;
}

/**
 * Everything besides the way of a reading into the record, loaded when that way is open: what leaves the house and by
 * whose word, sinks, pages, the passes of the summariser. Resolves when the signal has aborted and all of it is closed.
 */
export async function runRest(options: RestOptions): Promise<void> {
  const { site, catalogue, store, clock, time, summariser, acquisition, broker } = options;
  const { entropy, wallNow, log, signal, onReady } = options;
  const parts = { site, catalogue, store, clock, log };
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
  const states = { devices: () => acquisition.states(), link: () => link.state(), broker: () => broker };
  const health = { ...states, sinks };
  const metrics = metricsWhenAsked({ site, live: acquisition.live, store, broker, gate, health, clock });
  const about = { ...parts, policy, identity, accounts, time, metrics, health };
  await using portal = await openPages({ ...options, ...about });

  time.begin({ onDated: summariser.observe, onCorrected: acquisition.live.forget });
  onReady({ portalPort: portal.port, brokerPort: broker?.port, figures: () => gatewayFigures(store) });
  const forget = forgettingOf({ site, identity, store, clock, log });
  const onPass = async (): Promise<void> => {
    await forget();
    while (await gate.pass()) continue;
    link.nudge();
  };
  const onFault = (error: unknown): void =>
    log.error({ because: messageOf(error) }, "summaries wait: the record does not commit");
  const kept = { timeZone: site.timeZone, retention: site.record.retention, farms: farmMembers(site) };
  const upkeep = keepRecord({ store, clock, ...kept, log, signal });
  await keepSummarising(summariser, { clock, signal, onPass, onFault });
  await upkeep;
}
