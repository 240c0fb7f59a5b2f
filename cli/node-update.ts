import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { mustFit, signImage, verifyImage, type Image } from "../drivers/field-link/image.ts";
import { updateNode } from "../drivers/field-link/update.ts";
import { openSerialPort } from "../drivers/serial/port.ts";
import { openSmpClient } from "../drivers/smp/client.ts";
import { updateBySmp } from "../drivers/smp/update.ts";
import { stopSignal, wholeNumber } from "./command-line.ts";
import { guard, invalidOption, type Terminal } from "./device-command.ts";
import { bookOf, FIELD_LINK_BAUD, NUMBER_MAX, openLine, withLine, type LineOptions } from "./node-line.ts";

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
        const key = keyFrom(await read(options.key), createPrivateKey, options.key);
        const out = options.out ?? `${program.replace(/\.bin$/, "")}.img`;
        await writeFile(out, signImage(await read(program), options, key));
        terminal.stdout.write(`${out}: version ${options.version}, counter ${options.counter}\n`);
      }),
    );
}

interface UpdateOptions extends LineOptions {
  readonly key: string;
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
    .argument("[numbers...]", "the nodes on the line; the first goes first, alone")
    .option("--smp", "the one capable node on the line's console: Zephyr with MCUboot")
    .requiredOption("--key <file>", "the co-op's Ed25519 public key, PEM")
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
  const key = keyFrom(await read(options.key), createPublicKey, options.key);
  const image = verifyImage(await read(file), key);
  if (numbers.length === 0) throw invalidOption("say which nodes, by their numbers, or --smp");
  const book = await bookOf(options.site);
  const entries = [];
  for (const number of numbers.map(Number)) {
    const entry = await book.find(number);
    if (!entry) throw invalidOption(`there is no node ${number} in the book; see fieldwatt node list`);
    mustFit(image, entry);
    entries.push(entry);
  }
  await using desk = await openLine(options, stopSignal());
  for (const entry of entries) {
    terminal.stderr.write(progressLine(entry.number, image));
    const after = await updateNode(desk, { entry, image }, { book });
    terminal.stdout.write(
      `node ${entry.number}: ${entry.firmware} -> ${after.firmware}, confirmed (gateway-trusted)\n`,
    );
  }
}

/** The signature is checked here before a byte is sent, and once more by the node's MCUboot. */
async function updateCapable(file: string, options: UpdateOptions, terminal: Terminal): Promise<void> {
  const key = keyFrom(await read(options.key), createPublicKey, options.key);
  const image = verifyImage(await read(file), key);
  const { line } = options;
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

const progressLine = (number: number, { version, program }: Image): string =>
  `node ${number}: ${program.length} bytes of ${version} …\n`;

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw invalidOption(`${file} cannot be read: ${messageOf(cause)}`, cause);
  });
}

function keyFrom(pem: Uint8Array, make: (pem: Buffer) => KeyObject, file: string): KeyObject {
  try {
    const key = make(Buffer.from(pem));
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw new FieldwattError("KEY_INVALID", `${file} holds no such key: ${messageOf(cause)}`, { cause });
  }
  throw new FieldwattError("KEY_INVALID", `${file} holds no Ed25519 key`);
}
