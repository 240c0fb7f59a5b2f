import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Command } from "commander";
import { runGateway } from "../gateway/main.ts";
import { loadSite } from "../gateway/site/load.ts";
import type { ClockLine } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
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
    .action(async (options: { site: string; clock?: ClockLine; log?: string; logLevel: string }) => {
      const site = await loadSite(options.site);
      const log = openLog(
        "gateway",
        options.log === undefined ? process.stdout : createWriteStream(options.log, { flags: "a" }),
        options.logLevel,
      );
      let progress: NodeJS.Timeout | undefined;
      try {
        await runGateway({
          site,
          clock: clockOf(options.clock),
          entropy: randomBytes,
          wallNow: () => Date.now(),
          log,
          signal: stopSignal(),
          onReady: ({ portalPort, brokerPort, figures }) => {
            tellParent({ event: "ready", portalPort, brokerPort });
            if (process.connected)
              progress = setInterval(() => tellParent({ event: "progress", ...figures() }), PROGRESS_MS);
          },
        });
      } finally {
        clearInterval(progress);
        if (process.connected) process.disconnect();
      }
    });
  return gateway;
}
