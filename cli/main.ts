import { readFileSync } from "node:fs";
import { Command } from "commander";
import { fail } from "./command-line.ts";
import { consentCommand } from "./consent.ts";
import { demoCommand } from "./demo.ts";
import { deviceCommand } from "./device.ts";
import { doctorCommand } from "./doctor.ts";
import { gatewayCommand } from "./gateway.ts";
import { hubCommand } from "./hub.ts";
import { memberCommand } from "./member.ts";
import { simulateCommand } from "./simulate.ts";
import { siteCommand } from "./site.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("fieldwatt")
  .description("The village's own gateway for energy and farm data")
  .version(version)
  .showHelpAfterError("(add --help for the options)")
  .addCommand(demoCommand())
  .addCommand(gatewayCommand())
  .addCommand(hubCommand())
  .addCommand(simulateCommand())
  .addCommand(siteCommand())
  .addCommand(memberCommand())
  .addCommand(consentCommand())
  .addCommand(deviceCommand())
  .addCommand(doctorCommand());

await program.parseAsync().catch(fail);
