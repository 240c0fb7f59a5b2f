import { readFileSync } from "node:fs";
import { Command } from "commander";
import { fail } from "./command-line.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Each command is loaded when it is asked for: a gateway does not wait for the hub's database to be read in. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import("./demo.ts")).demoCommand(),
  gateway: async () => (await import("./gateway.ts")).gatewayCommand(),
  hub: async () => (await import("./hub.ts")).hubCommand(),
  simulate: async () => (await import("./simulate.ts")).simulateCommand(),
  site: async () => (await import("./site.ts")).siteCommand(),
  member: async () => (await import("./member.ts")).memberCommand(),
  policy: async () => (await import("./policy.ts")).policyCommand(),
  consent: async () => (await import("./consent.ts")).consentCommand(),
  clock: async () => (await import("./clock.ts")).clockCommand(),
  energy: async () => (await import("./energy.ts")).energyCommand(),
  flows: async () => (await import("./flows.ts")).flowsCommand(),
  device: async () => {
    const [{ deviceCommand }, { devicePasswordCommand }, { deviceSolveCommand }] = [
      await import("./device.ts"),
      await import("./device-password.ts"),
      await import("./device-solve.ts"),
    ];
    return deviceCommand().addCommand(devicePasswordCommand()).addCommand(deviceSolveCommand());
  },
  node: async () => (await import("./node.ts")).nodeCommand(),
  record: async () => (await import("./record.ts")).recordCommand(),
  egress: async () => (await import("./egress.ts")).egressCommand(),
  noise: async () => (await import("./noise.ts")).noiseCommand(),
  jcs: async () => (await import("./jcs.ts")).jcsCommand(),
  doctor: async () => (await import("./doctor.ts")).doctorCommand(),
};

const program = new Command("fieldwatt")
  .description("The village's own gateway for energy and farm data")
  .version(version)
  // A subcommand's options are its own, also where the command above it has options of the same names.
  .enablePositionalOptions()
  .showHelpAfterError("(add --help for the options)");

const asked = commands[process.argv[2] ?? ""];
for (const load of asked ? [asked] : Object.values(commands)) program.addCommand(await load());
await program.parseAsync().catch(fail);
