import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Command } from "commander";
import { runGateway } from "../gateway/main.ts";
import { openIdentity } from "../gateway/site/identity.ts";
import { loadSite } from "../gateway/site/load.ts";
import { openMachine } from "../gateway/time/machine.ts";
import type { ClockLine } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { publicKeyToText } from "../protocol/keys.ts";
import { clockLine, clockOf, stopSignal, tellParent } from "./command-line.ts";

const PROGRESS_MS = 1_000;

export function gatewayCommand(): Command {
  const gateway = new Command("gateway").description("the village's gateway");
  gateway
    .command("run")
    .description("read the meters of a site, keep every reading, forward what members agreed to")
    .requiredOption("--site <file>", "the site file")
    .option(
      "--clock <line>",
      "a village clock: world ms, village ms, speed (default: the real time)",
      clockLine,
    )
    .option("--log <file>", "write the log to a file instead of standard output")
    .option("--log-level <level>", "trace, debug, info, warn or error", "info")
    .addHelpText("after", "\nExample:\n  fieldwatt gateway run --site /etc/fieldwatt/site.yaml")
    .action(run);
  gateway
    .command("key")
    .description("the gateway's public key, for `fieldwatt hub enrol`; made at the first call")
    .requiredOption("--site <file>", "the site file")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  fieldwatt gateway key --site /etc/fieldwatt/site.yaml")
    .action(async ({ site: file, json }: { site: string; json?: true }) => {
      const site = await loadSite(file);
      const publicKey = publicKeyToText((await openIdentity(site.data, randomBytes)).keys.publicKey);
      console.log(json ? JSON.stringify({ gateway: site.id, publicKey }) : publicKey);
    });
  return gateway;
}

interface RunOptions {
  readonly site: string;
  readonly clock?: ClockLine;
  readonly log?: string;
  readonly logLevel: string;
}

async function run({ site: file, clock, log: logFile, logLevel }: RunOptions): Promise<void> {
  const site = await loadSite(file);
  const destination = logFile === undefined ? process.stdout : createWriteStream(logFile, { flags: "a" });
  const signal = stopSignal();
  await runGateway({
    site,
    village: clock && clockOf(clock),
    machine: openMachine(
      () => Date.now(),
      () => process.hrtime.bigint(),
    ),
    entropy: randomBytes,
    wallNow: () => Date.now(),
    log: openLog("gateway", destination, logLevel),
    signal,
    onReady({ portalPort, brokerPort, figures }) {
      tellParent({ event: "ready", portalPort, brokerPort });
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
