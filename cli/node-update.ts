import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { signImage, verifyImage, type Image } from "../drivers/field-link/image.ts";
import { openNodeBook, type NodeBook } from "../drivers/index.ts";
import { openSerialPort } from "../drivers/serial/port.ts";
import { openSmpClient } from "../drivers/smp/client.ts";
import { updateBySmp } from "../drivers/smp/update.ts";
import type { NodeJob } from "../gateway/nodes/jobs.ts";
import { FIELD_LINK_BAUD, keyIn } from "../gateway/nodes/open.ts";
import { updateNodes, type NodeOnLine, type UpdateProgress } from "../gateway/nodes/work.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import { stopSignal, wholeNumber } from "./command-line.ts";
import { guard, invalidOption, type Terminal } from "./device-command.ts";
import {
  askGateway,
  gatewayRuns,
  NUMBER_MAX,
  ownBench,
  siteLineOf,
  withLine,
  type LineOptions,
} from "./node-line.ts";

interface SignOptions {
  readonly key: string;
  readonly version: string;
  readonly counter: number;
  readonly hardware: string;
  readonly out?: string;
}

/** `fieldwatt node sign`: on the co-op's machine, which no gateway reaches. */
export function nodeSignCommand(terminal: Terminal): Command {
  return new Command("sign")
    .description("make a signed image (MCUboot's form) of a node's program; offline, with the co-op's key")
    .argument("<program>", "the program, for example node.bin")
    .requiredOption("--key <file>", "the co-op's Ed25519 private key, PEM")
    .requiredOption("--version <version>", "for example 1.1.0; the program says the same")
    .requiredOption("--counter <n>", "grows with each release", wholeNumber({ from: 0, to: NUMBER_MAX }))
    .requiredOption("--hardware <id>", "the hardware that it is for")
    .option("--out <file>", "the image (default: the program's name with .img)")
    .action((program: string, options: SignOptions) =>
      guard(terminal, async () => {
        const key = privateKeyFrom(await read(options.key), options.key);
        const out = options.out ?? `${program.replace(/\.bin$/, "")}.img`;
        await writeFile(out, signImage(await read(program), options, key));
        terminal.stdout.write(`${out}: version ${options.version}, counter ${options.counter}\n`);
      }),
    );
}

interface UpdateOptions extends LineOptions {
  readonly line?: string;
  readonly key?: string;
  readonly smp?: true;
}

/** A capable node that ran its new program for so long without starting again is well with it. */
const WELL_AFTER_MS = 10_000;
const SMP_BAUD = 115_200;

/** `fieldwatt node update`: the first node named is the canary; the others follow when it is well. */
export const nodeUpdateCommand = (terminal: Terminal): Command =>
  withLine(new Command("update"))
    .description("verify a signed image, send it, and keep it where the node speaks again with it")
    .argument("<image>", "the signed image")
    .argument("[numbers...]", "the nodes; the first goes first, alone")
    .option("--line <path>", "their serial port, where the site file does not say it; needed with --smp")
    .option("--smp", "the one capable node on the line's console: Zephyr with MCUboot")
    .option("--key <file>", "the co-op's Ed25519 public key, PEM (default: releaseKey of the site file)")
    .action((image: string, numbers: readonly string[], options: UpdateOptions) =>
      guard(terminal, () =>
        options.smp ? updateCapable(image, options, terminal) : update({ image, numbers }, options, terminal),
      ),
    );

async function update(
  { image: file, numbers }: { readonly image: string; readonly numbers: readonly string[] },
  options: UpdateOptions,
  terminal: Terminal,
): Promise<void> {
  if (numbers.length === 0) throw invalidOption("say which nodes, by their numbers, or --smp");
  const site = await loadSite(options.site);
  const bytes = await read(file);
  const image = verifyImage(bytes, await keyFor(options, site));
  const progress = progressOn(terminal, image);
  if (gatewayRuns(site)) {
    await askGateway(site, { kind: "update", image: bytes, numbers: numbers.map(Number) }, progress.job);
    return;
  }
  const book = openNodeBook(site.data);
  const nodes: NodeOnLine[] = [];
  for (const number of numbers.map(Number)) nodes.push(await onLine(number, { book, site, options }));
  await using bench = ownBench(book, stopSignal());
  await updateNodes({ nodes, image }, bench, progress);
}

/** What `--key` names, else the key of the site file. */
async function keyFor({ key }: UpdateOptions, { nodes, file }: Site): Promise<KeyObject> {
  if (key !== undefined) return keyIn(key);
  if (nodes?.releaseKey !== undefined) return keyIn(join(dirname(file), nodes.releaseKey));
  throw invalidOption("name the co-op's public key: --key, or nodes: { releaseKey: … } in the site file");
}

async function onLine(
  number: number,
  { book, site, options }: { readonly book: NodeBook; readonly site: Site; readonly options: UpdateOptions },
): Promise<NodeOnLine> {
  const entry = await book.find(number);
  if (!entry) throw invalidOption(`there is no node ${number} in the book; see fieldwatt node list`);
  const line =
    options.line === undefined
      ? await siteLineOf(site, number)
      : { path: options.line, baudRate: options.baud };
  if (!line) throw invalidOption(`node ${number} is no device of the site file: name its port with --line`);
  return { entry, line };
}

/** A line where something new is to be said. */
function progressOn(
  terminal: Terminal,
  { version, program }: Image,
): UpdateProgress & { job(job: NodeJob): void } {
  let last = "";
  const say = (line: string, to: "stderr" | "stdout" = "stderr"): void => {
    if (line !== last) terminal[to].write(`${line}\n`);
    last = line;
  };
  const sent = (number: number, share: number): void =>
    say(`node ${number}: ${Math.floor(share * 4) * 25} % of ${program.length} bytes of ${version}`);
  const done = (number: number, from: string, to: string): void =>
    say(`node ${number}: ${from} -> ${to}, confirmed (gateway-trusted)`, "stdout");
  const told = new Set<number>();
  return {
    begun: ({ number }) => sent(number, 0),
    sent: ({ number }, share) => sent(number, share),
    done: (before, after) => done(after.number, before.firmware, after.firmware),
    job({ nodes }) {
      for (const { number, state, share, from = "", to = "" } of nodes) {
        if (state === "sending") sent(number, share);
        if (state === "done" && !told.has(number)) done(number, from, to);
        if (state === "done") told.add(number);
      }
    },
  };
}

/** The signature is checked here before a byte is sent, and once more by the node's MCUboot. */
async function updateCapable(file: string, options: UpdateOptions, terminal: Terminal): Promise<void> {
  const { key, line } = options;
  if (key === undefined || line === undefined) throw invalidOption("--smp needs --key and --line");
  const image = verifyImage(await read(file), await keyIn(key));
  const baudRate = options.baud === FIELD_LINK_BAUD ? SMP_BAUD : options.baud;
  await using port = await openSerialPort({ path: line, baudRate, parity: "none", stopBits: 1 });
  const client = openSmpClient(port, { name: line });
  const hash = Buffer.from(image.sha256).toString("hex");
  const isWell = async (): Promise<boolean> => {
    await wait(WELL_AFTER_MS);
    return (await client.images()).some((one) => one.active && one.hash === hash);
  };
  await updateBySmp(client, image, { isWell });
  terminal.stdout.write(`${line}: ${image.version}, confirmed\n`);
}

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw invalidOption(`${file} cannot be read: ${messageOf(cause)}`, cause);
  });
}

function privateKeyFrom(pem: Uint8Array, file: string): KeyObject {
  try {
    const key = createPrivateKey(Buffer.from(pem));
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw new FieldwattError("KEY_INVALID", `${file} holds no such key: ${messageOf(cause)}`, { cause });
  }
  throw new FieldwattError("KEY_INVALID", `${file} holds no Ed25519 key`);
}
