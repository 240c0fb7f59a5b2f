import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { startThreads } from "../gateway/threads.ts";
import { clockLine } from "./command-line.ts";
import type { RunOptions } from "./gateway-run.ts";

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
    .action(key);
  return gateway;
}

/** The threads load while this one loads the rest and reads the site file. */
async function run(options: RunOptions): Promise<void> {
  await using threads = startThreads();
  const { runSite } = await import("./gateway-run.ts");
  await runSite(options, threads);
}

async function key({ site: file, json }: { site: string; json?: true }): Promise<void> {
  const { loadSite } = await import("../gateway/site/load.ts");
  const { openIdentity } = await import("../gateway/site/identity.ts");
  const { publicKeyToText } = await import("../protocol/keys.ts");
  const site = await loadSite(file);
  const publicKey = publicKeyToText((await openIdentity(site.data, randomBytes)).keys.publicKey);
  console.log(json ? JSON.stringify({ gateway: site.id, publicKey }) : publicKey);
}
