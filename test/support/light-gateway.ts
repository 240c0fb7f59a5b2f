/**
 * The gateway as far as a reading's way goes: the village broker, acquisition, the record and its upkeep, without
 * pages, summaries and hub, so that a test can start it hundreds of times. Arguments: site file, clock line. Tells its
 * parent `opening` when it begins to open the record, and `ready` with the broker's port.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { clockLine, clockOf, stopSignal } from "../../cli/command-line.ts";
import { loadCatalogue } from "../../drivers/index.ts";
import { openAcquisition } from "../../gateway/acquire/acquisition.ts";
import { openVillageBroker } from "../../gateway/acquire/village-broker.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { keepRecord } from "../../gateway/record/upkeep.ts";
import { loadSite } from "../../gateway/site/load.ts";
import { openLog } from "../../platform/log.ts";

const [file = "", line = ""] = process.argv.slice(2);
const site = await loadSite(file);
const signal = stopSignal();
const clock = clockOf(clockLine(line));
const log = openLog("light", process.stderr, "warn");
const catalogue = await loadCatalogue([]);
const { timeZone } = site;

process.send?.({ event: "opening" });
await using store = await openRecord({
  path: join(site.data, "record.sqlite"),
  now: () => clock.now(),
  timeZone,
  log,
});
await using acquisition = openAcquisition({ site, catalogue, store, clock, log, onKept: () => undefined });
await using broker = await openVillageBroker({ site, acquisition, store, clock, entropy: randomBytes, log });
process.send?.({ event: "ready", brokerPort: broker?.port });
await keepRecord({ store, clock, timeZone, retention: {}, farms: [], log, signal });
if (process.connected) process.disconnect();
