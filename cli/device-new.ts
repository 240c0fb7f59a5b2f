import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Command, Option } from "commander";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { guard, invalidOption, type Terminal } from "./device-command.ts";
import { STARTS, type Start } from "./device-start.ts";

interface Options {
  readonly maker?: string;
  readonly model?: string;
  readonly family: Start;
  readonly file?: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  fieldwatt device new kisima-m1 --maker Kisima --model "M1 single phase meter"
  fieldwatt device new acme-soil --family mqtt --file devices/acme/soil.yaml`;

/** `fieldwatt device new ID`: a commented device file to start from. */
export const deviceNewCommand = (terminal: Terminal): Command =>
  new Command("new")
    .description("write a commented device file to start from; an existing file is left alone")
    .argument("<id>", "maker-model in lower-case letters, digits and hyphens")
    .option("--maker <name>", "the maker as people write it (default: the id's first word)")
    .option("--model <name>", "the model as people write it (default: the rest of the id)")
    .addOption(
      new Option("--family <family>", "how the device speaks").choices(Object.keys(STARTS)).default("modbus"),
    )
    .option("--file <path>", "where to write it (default: ID.yaml here)")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action((id: string, options: Options) => guard(terminal, () => write(id, options, terminal)));

async function write(id: string, options: Options, terminal: Terminal): Promise<void> {
  const [, first = "", rest = ""] = /^([a-z0-9]+)-([a-z0-9]+(?:-[a-z0-9]+)*)$/.exec(id) ?? [];
  if (first === "" || id.length > 64)
    throw invalidOption(`"${id}" is no id; write maker-model in lower-case letters, digits and hyphens`);
  const file = options.file ?? `${id}.yaml`;
  const maker = options.maker ?? capital(first);
  if (maker.toLowerCase().split(" ")[0] !== first)
    throw invalidOption(
      `the id must begin with the maker's first word: ${maker.toLowerCase().split(" ")[0]}-…`,
    );
  const start = STARTS[options.family]({ id, maker: quoted(maker), model: quoted(options.model ?? rest) });
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, start, { flag: "wx" });
  } catch (cause) {
    throw new FieldwattError("FOLDER_UNWRITABLE", `${file} was not written: ${because(cause)}`, { cause });
  }
  const text = options.json
    ? JSON.stringify({ id, file })
    : `${file} is written. Next: edit it, then  fieldwatt device test ${file}`;
  terminal.stdout.write(`${text}\n`);
}

const because = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && cause.code === "EEXIST"
    ? "it is there already, and was left alone"
    : messageOf(cause);

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/** As a YAML scalar; JSON's quotes are YAML's too. */
const quoted = (text: string): string =>
  /^[\p{L}\p{N}][\p{L}\p{N} ._/-]*$/u.test(text) ? text : JSON.stringify(text);
