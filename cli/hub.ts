import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { enrolGateway } from "../federation/enrol.ts";
import { loadHubConfig } from "../federation/hub-file.ts";
import { openHubKeys } from "../federation/hub-keys.ts";
import { runHub } from "../federation/main.ts";
import type { ClockLine } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { publicKeyToText } from "../protocol/keys.ts";
import { clockLine, clockOf, stopSignal, tellParent } from "./command-line.ts";

export function hubCommand(): Command {
  return new Command("hub")
    .description("the federation's hub: receives, clears, advises")
    .addCommand(runCommand())
    .addCommand(enrolCommand());
}

function runCommand(): Command {
  return new Command("run")
    .description("run a hub until it is told to stop")
    .requiredOption("--config <file>", "the hub file")
    .option(
      "--clock <line>",
      "a village clock: world ms, village ms, speed (default: the real time)",
      clockLine,
    )
    .option("--log-level <level>", "trace, debug, info, warn or error", "info")
    .option(
      "--json",
      "print one line of JSON with ports and public key when the hub is ready; the log goes to stderr",
    )
    .addHelpText("after", "\nExample:\n  fieldwatt hub run --config /etc/fieldwatt/hub.yaml")
    .action(async (options: { config: string; clock?: ClockLine; logLevel: string; json?: true }) => {
      const config = await loadHubConfig(options.config);
      const log = openLog("hub", options.json ? process.stderr : process.stdout, options.logLevel);
      try {
        await runHub({
          config,
          clock: clockOf(options.clock),
          entropy: randomBytes,
          wallNow: () => Date.now(),
          log,
          signal: stopSignal(),
          onReady: (ready) => {
            tellParent({ event: "ready", ...ready });
            if (options.json) console.log(JSON.stringify({ event: "ready", ...ready }));
          },
        });
      } finally {
        if (process.connected) process.disconnect();
      }
    });
}

interface EnrolOptions {
  readonly config: string;
  readonly gateway: string;
  readonly name?: string;
  readonly publicKey: string;
  readonly json?: true;
}

function enrolCommand(): Command {
  return new Command("enrol")
    .description("enrol a gateway: adds it to the hub file and prints its password, this once")
    .requiredOption("--config <file>", "the hub file")
    .requiredOption("--gateway <id>", "the gateway's id, as in its site file")
    .requiredOption("--public-key <key>", "the gateway's Ed25519 public key, base64url")
    .option("--name <name>", "what people call it (default: its id)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExample:\n  fieldwatt hub enrol --config hub.yaml --gateway kisasi-gateway --public-key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    )
    .action(async ({ config, gateway: id, publicKey, name, json }: EnrolOptions) => {
      const { id: hub, data } = await loadHubConfig(config);
      const gateway = { id, publicKey, ...(name !== undefined && { name }) };
      const hubKey = publicKeyToText((await openHubKeys(data)).publicKey);
      const { password } = await enrolGateway(config, gateway, randomBytes);
      if (json) {
        console.log(JSON.stringify({ hub, hubPublicKey: hubKey, gateway: id, password }));
        return;
      }
      console.log(`${id} is enrolled. A hub that runs reads its file at its next start.`);
      console.log("For the gateway's site file and its password file; the password is not shown again:\n");
      console.log(`  hub id          ${hub}\n  hub public key  ${hubKey}\n  password        ${password}`);
    });
}
