import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { mustFit, signImage, verifyImage, type Image } from "../drivers/field-link/image.ts";
import { updateNode } from "../drivers/field-link/update.ts";
import { stopSignal, wholeNumber } from "./command-line.ts";
import { guard, invalidOption, type Terminal } from "./device-command.ts";
import { bookOf, NUMBER_MAX, openLine, withLine, type LineOptions } from "./node-line.ts";

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
}

/** `fieldwatt node update`: the first node named is the canary; the others follow when it is well. */
export const nodeUpdateCommand = (terminal: Terminal): Command =>
  withLine(new Command("update"))
    .description("verify a signed image, send it, and keep it where the node speaks again with it")
    .argument("<image>", "the signed image")
    .argument("<numbers...>", "the nodes on the line; the first goes first, alone")
    .requiredOption("--key <file>", "the co-op's Ed25519 public key, PEM")
    .action((image: string, numbers: readonly string[], options: UpdateOptions) =>
      guard(terminal, () => update({ image, numbers }, options, terminal)),
    );

async function update(
  { image: file, numbers }: { readonly image: string; readonly numbers: readonly string[] },
  options: UpdateOptions,
  terminal: Terminal,
): Promise<void> {
  const key = keyFrom(await read(options.key), createPublicKey, options.key);
  const image = verifyImage(await read(file), key);
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
