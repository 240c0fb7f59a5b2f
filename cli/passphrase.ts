import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { FieldwattError, messageOf } from "../domain/model/index.ts";

/**
 * The passphrase of a backup: the first line of a file, or typed without being shown. Never an argument of the command
 * line, which every user of the machine can read.
 */
export async function askPassphrase(options: {
  readonly file?: string;
  /** A new one is asked twice: a slip of the finger would lock the backup for ever. */
  readonly twice: boolean;
}): Promise<string> {
  if (options.file !== undefined) return firstLineOf(options.file);
  if (!process.stdin.isTTY)
    throw new FieldwattError("OPTION_INVALID", "Give --passphrase-file FILE, or run this in a terminal.");
  const passphrase = await typed("Passphrase: ");
  if (options.twice && (await typed("The same again: ")) !== passphrase)
    throw new FieldwattError("OPTION_INVALID", "The two passphrases differ; nothing was done.");
  return passphrase;
}

export async function firstLineOf(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).split(/\r?\n/, 1)[0] ?? "";
  } catch (error) {
    throw new FieldwattError("OPTION_INVALID", `${file} cannot be read: ${messageOf(error)}`);
  }
}

export async function typed(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
