import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import module from "node:module";
import { join, resolve } from "node:path";
import { messageOf } from "../domain/model/index.ts";
import { runGateway } from "../gateway/main.ts";
import { loadSite } from "../gateway/site/load.ts";
import type { GatewayThreads } from "../gateway/threads.ts";
import { openMachine } from "../gateway/time/machine.ts";
import type { ClockLine } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { forgetful, openRemembered, type Remembered } from "../platform/remembered.ts";
import { collectWhenSettled } from "../platform/settled.ts";
import { clockOf, stopSignal, tellParent } from "./command-line.ts";

const PROGRESS_MS = 1_000;

export interface RunOptions {
  readonly site: string;
  readonly clock?: ClockLine;
  readonly log?: string;
  readonly logLevel: string;
}

/** Runs a site's gateway until it is told to end. Rejects with what is wrong with the site file, or could not open. */
export async function runSite(options: RunOptions, threads: GatewayThreads): Promise<void> {
  const { site: file, clock, log: logFile, logLevel } = options;
  const remembered = await rememberedOf(file);
  const site = await loadSite(file, remembered);
  // Its devices speak elsewhere, or are all asked.
  if (!site.broker) await threads.broker[Symbol.asyncDispose]();
  const destination = logFile === undefined ? process.stdout : createWriteStream(logFile, { flags: "a" });
  const log = openLog("gateway", destination, logLevel);
  const signal = stopSignal();
  await runGateway({
    site,
    threads,
    village: clock && clockOf(clock),
    machine: openMachine(
      () => Date.now(),
      () => process.hrtime.bigint(),
    ),
    entropy: randomBytes,
    wallNow: () => Date.now(),
    log,
    signal,
    remembered,
    onReady({ portalPort, brokerPort, figures }) {
      // Now, not at the end: a gateway that loses power was never slower to start for it.
      module.flushCompileCache();
      remembered
        .save()
        .catch((error: unknown) => log.debug({ because: messageOf(error) }, "the next start will be slower"));
      tellParent({ event: "ready", portalPort, brokerPort });
      collectWhenSettled();
      if (!process.connected) return;
      const progress = setInterval(() => tellParent({ event: "progress", ...figures() }), PROGRESS_MS);
      // From here on the record closes.
      signal.addEventListener("abort", () => clearInterval(progress));
    },
  }).finally(() => {
    // The channel to the parent would keep a gateway alive that has ended, well or not.
    if (process.connected) process.disconnect();
  });
}

/** What `cli/fieldwatt.mjs` says of the build that runs, and where compiled code is kept: the sources remember nothing. */
function rememberedOf(site: string): Promise<Remembered> | Remembered {
  const { FIELDWATT_BUILD: build, NODE_COMPILE_CACHE: folder } = process.env;
  if (build === undefined || folder === undefined) return forgetful;
  const name = createHash("sha256").update(resolve(site)).digest("hex");
  return openRemembered(join(folder, `site-${name}`), `${build} ${process.version}`);
}
