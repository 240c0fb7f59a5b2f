import { Command } from "commander";
import { toIso } from "../domain/model/index.ts";
import { openNodeBook, type NodeEntry } from "../drivers/index.ts";
import { provisionNode, siteLines, type Provisioning } from "../gateway/nodes/work.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import { stopSignal, wholeNumber } from "./command-line.ts";
import { guard, invalidOption, type Terminal } from "./device-command.ts";
import {
  askGateway,
  bookOf,
  DEFAULT_SITE,
  gatewayRuns,
  NUMBER_MAX,
  ownBench,
  withLine,
  type LineOptions,
} from "./node-line.ts";
import { nodeSignCommand, nodeUpdateCommand } from "./node-update.ts";
import { table } from "./table.ts";

const EXAMPLES = `
A serial line has one owner: while the gateway runs (with nodes: in its site file) it does what is asked, else this command.

Examples:
  fieldwatt node provision --site site.yaml --line /dev/ttyUSB0 --interval 900
  fieldwatt node list --site site.yaml
  fieldwatt node log 7 --site site.yaml
  fieldwatt node sign node.bin --key co-op.pem --version 1.1.0 --counter 2 --hardware uno-meter
  fieldwatt node update node.img 7 8 9 --site site.yaml`;

/** `fieldwatt node`: list, provision, log, sign, update. */
export const nodeCommand = (terminal: Terminal = process): Command =>
  new Command("node")
    .description("nodes on microcontrollers, on the field link (docs/build-a-node.md)")
    .addCommand(listCommand(terminal))
    .addCommand(provisionCommand(terminal))
    .addCommand(logCommand(terminal))
    .addCommand(nodeSignCommand(terminal))
    .addCommand(nodeUpdateCommand(terminal))
    .addHelpText("after", EXAMPLES);

function listCommand(terminal: Terminal): Command {
  return new Command("list")
    .description("the nodes that this gateway has keys of")
    .option("--site <file>", "the site file", DEFAULT_SITE)
    .option("--json", "print JSON")
    .action(({ site, json }: { site: string; json?: true }) =>
      guard(terminal, async () => {
        const nodes = (await (await bookOf(site)).all()).map(about);
        const rows = nodes.map(({ number, hardware, firmware, trust, provisioned, samples }) =>
          [number, hardware, firmware, trust, provisioned, samples].map(String),
        );
        const head = ["node", "hardware", "firmware", "updates", "provisioned", "samples"];
        const text = json ? JSON.stringify(nodes, undefined, 2) : table(head, rows);
        terminal.stdout.write(`${text}\n`);
      }),
    );
}

/** What may be shown of a node: never its key. */
const about = ({ number, hardware, firmware, counter, provisioned, datedThrough, said }: NodeEntry) => ({
  number,
  hardware,
  firmware,
  counter,
  trust: "gateway-trusted",
  provisioned: toIso(provisioned),
  samples: datedThrough,
  lastEvent: said.at(-1)?.kind,
});

function logCommand(terminal: Terminal): Command {
  return new Command("log")
    .description("what a node said of itself: starts and their causes, a relay that fell off")
    .argument("<number>", "the node", wholeNumber({ from: 1, to: NUMBER_MAX }))
    .option("--site <file>", "the site file", DEFAULT_SITE)
    .option("--json", "print JSON")
    .action((number: number, { site, json }: { site: string; json?: true }) =>
      guard(terminal, async () => {
        const entry = await (await bookOf(site)).find(number);
        if (!entry) throw invalidOption(`there is no node ${number} in the book; see fieldwatt node list`);
        const rows = entry.said.map(({ time, kind, detail }) => [toIso(time), kind, wordsOf(kind, detail)]);
        const text = json ? JSON.stringify(entry.said, undefined, 2) : table(["time", "event", ""], rows);
        terminal.stdout.write(`${text}\n`);
      }),
    );
}

/** ATmega328P data sheet, 11.9.1: the bits of MCUSR. */
const CAUSES = ["power on", "reset pin", "brown-out", "watchdog"];

function wordsOf(kind: string, detail: string): string {
  if (kind !== "started") return detail;
  const causes = CAUSES.filter((_, bit) => (Number(detail) >> bit) & 1);
  return causes.join(", ") || "unknown cause";
}

interface ProvisionOptions extends LineOptions {
  readonly line: string;
  readonly number?: number;
  readonly interval: number;
  readonly wait: number;
}

function provisionCommand(terminal: Terminal): Command {
  return withLine(new Command("provision"))
    .description("give the node whose button you press a number and a key of its own")
    .requiredOption("--line <path>", "the serial port, for example /dev/ttyUSB0")
    .option(
      "--number <n>",
      "its number (default: the next free one)",
      wholeNumber({ from: 1, to: NUMBER_MAX }),
    )
    .option("--interval <seconds>", "seconds between samples", wholeNumber({ from: 1, to: 65_535 }), 60)
    .option("--wait <seconds>", "how long to wait for the button", wholeNumber({ from: 1, to: 600 }), 60)
    .action((options: ProvisionOptions) => guard(terminal, () => provision(options, terminal)));
}

async function provision(options: ProvisionOptions, terminal: Terminal): Promise<void> {
  const site = await loadSite(options.site);
  const isRunning = gatewayRuns(site);
  const line = { path: options.line, baudRate: options.baud };
  const { number: wanted, interval } = options;
  const asked = {
    line,
    interval,
    windowMs: options.wait * 1_000,
    ...(wanted !== undefined && { number: wanted }),
  };
  terminal.stderr.write(`Press the node's button now (${options.wait} s) …\n`);
  const number = isRunning
    ? (await askGateway(site, { kind: "provision", ...asked }, () => undefined)).nodes[0]?.number
    : await provisionHere(asked, site);
  const entry = number === undefined ? undefined : await openNodeBook(site.data).find(number);
  if (!entry) throw invalidOption("the node is not in the book");
  terminal.stdout.write(
    `Node ${entry.number} (${entry.hardware}, firmware ${entry.firmware}) has its key.\n`,
  );
  terminal.stdout.write(
    `Write into devices: of ${options.site}\n\n${siteLines(line, entry.number, interval)}\n`,
  );
}

async function provisionHere(asked: Provisioning, site: Site): Promise<number> {
  const signal = stopSignal();
  await using bench = ownBench(openNodeBook(site.data), signal);
  return (await provisionNode(asked, bench, signal)).number;
}
