import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { hasCode, toIso } from "../domain/model/index.ts";
import type { NodeDesk } from "../drivers/field-link/desk.ts";
import type { NodeBook, NodeEntry } from "../drivers/index.ts";
import { stopSignal, wholeNumber } from "./command-line.ts";
import { guard, invalidOption, type Terminal } from "./device-command.ts";
import { bookOf, DEFAULT_SITE, NUMBER_MAX, openLine, withLine, type LineOptions } from "./node-line.ts";
import { nodeSignCommand, nodeUpdateCommand } from "./node-update.ts";
import { table } from "./table.ts";

const EXAMPLES = `
A serial line has one owner: provision and update while the gateway does not run, or on a line that it has not open.

Examples:
  fieldwatt node provision --site site.yaml --line /dev/ttyUSB0 --interval 900
  fieldwatt node list --site site.yaml
  fieldwatt node log 7 --site site.yaml
  fieldwatt node sign node.bin --key co-op.pem --version 1.1.0 --counter 2 --hardware uno-meter
  fieldwatt node update node.img --site site.yaml --line /dev/ttyUSB0 --key co-op.pub.pem 7 8 9`;

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
  readonly number?: number;
  readonly interval: number;
  readonly wait: number;
}

function provisionCommand(terminal: Terminal): Command {
  return withLine(new Command("provision"))
    .description("give the node whose button you press a number and a key of its own")
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
  const book = await bookOf(options.site);
  const known = await book.all();
  const number = options.number ?? Math.max(0, ...known.map((entry) => entry.number)) + 1;
  const signal = stopSignal();
  await using desk = await openLine(options, signal);
  terminal.stderr.write(`Press the node's button now (${options.wait} s) …\n`);
  const entry = await pressed(desk, { number, book, until: Date.now() + options.wait * 1_000 });
  await (await desk.greet(entry)).setInterval(options.interval);
  terminal.stdout.write(`Node ${number} (${entry.hardware}, firmware ${entry.firmware}) has its key.\n`);
  terminal.stdout.write(`Write into devices: of ${options.site}\n\n${snippet(options, number)}\n`);
}

async function pressed(
  desk: NodeDesk,
  { number, book, until }: { readonly number: number; readonly book: NodeBook; readonly until: number },
): Promise<NodeEntry> {
  for (;;) {
    try {
      return await desk.provision(number, book);
    } catch (error) {
      if (!hasCode(error, "DEVICE_TIMEOUT") || Date.now() > until) throw error;
      await wait(100);
    }
  }
}

const snippet = ({ line, interval }: ProvisionOptions, number: number): string =>
  [
    `  - id: node-${number}`,
    "    device: fieldwatt-field-node",
    "    mounting: load",
    `    interval: ${interval} s`,
    `    connection: { kind: serial, path: ${line}, address: "${number}" }`,
  ].join("\n");
