import { Command } from "commander";
import { isQuantity, QUANTITIES, type Quantity } from "../domain/model/index.ts";
import type { DeviceDefinition } from "../drivers/index.ts";
import { guard, invalidOption, openCatalogue, type Terminal } from "./device-command.ts";
import { definitionTable } from "./device-show.ts";
import { table } from "./table.ts";

interface Options {
  readonly json?: boolean;
  readonly deviceFiles?: string;
}

interface Search extends Options {
  readonly maker?: string;
  readonly family?: string;
  readonly quantity?: readonly Quantity[];
}

const EXAMPLES = `
Examples:
  fieldwatt device list three phase
  fieldwatt device list --maker eastron --quantity activeEnergyExport
  fieldwatt device list --family lorawan --quantity soilMoisture --json`;

/** `fieldwatt device list [WORDS…]`: searches the device files. */
export const deviceListCommand = (terminal: Terminal): Command =>
  new Command("list")
    .description("list the devices that the gateway can read; words narrow the list")
    .argument("[words...]", "words in id, maker, model, source or notes; all of them must be there")
    .option("--maker <name>", "the maker, or a part of it")
    .option("--family <name>", "how it speaks: modbus, sunspec, vedirect, mqtt, lorawan, …")
    .option(
      "--quantity <name>",
      "what it measures, for example soilMoisture; may be given again",
      collectQuantity,
    )
    .option("--device-files <folder>", "the device files of this folder too")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action((words: readonly string[], search: Search) =>
      guard(terminal, async () => terminal.stdout.write(`${await list(words, search)}\n`)),
    );

/** `fieldwatt device show ID`: one device file as a page. */
export const deviceShowCommand = (terminal: Terminal): Command =>
  new Command("show")
    .description("show what one device gives, and where its numbers come from")
    .argument("<id>", "the device file, for example eastron-sdm120")
    .option("--device-files <folder>", "the device files of this folder too")
    .option("--json", "print JSON")
    .action((id: string, options: Options) =>
      guard(terminal, async () => terminal.stdout.write(`${await show(id, options)}\n`)),
    );

function collectQuantity(text: string, before: readonly Quantity[] = []): Quantity[] {
  const name = Object.keys(QUANTITIES).find((quantity) => quantity.toLowerCase() === text.toLowerCase());
  if (name !== undefined && isQuantity(name)) return [...before, name];
  throw invalidOption(`there is no quantity "${text}"; use one of ${Object.keys(QUANTITIES).join(", ")}`);
}

async function list(words: readonly string[], { json, deviceFiles, ...search }: Search): Promise<string> {
  const found = (await openCatalogue(deviceFiles)).all().filter((one) => fits(one, words, search));
  if (json) return JSON.stringify(found.map(entryOf), undefined, 2);
  if (found.length === 0)
    return 'No device file fits. Fewer words find more; "fieldwatt device new" starts a file.';
  const rows = found.map(({ id, maker, model, dialect }) => [id, dialect.kind, `${maker}: ${model}`]);
  return table(["device", "family", "maker and model"], rows);
}

function fits(
  definition: DeviceDefinition,
  words: readonly string[],
  { maker, family, quantity = [] }: Omit<Search, keyof Options>,
): boolean {
  const { id, aliases, model, source, notes = "", dialect } = definition;
  const text = [id, ...aliases, definition.maker, model, source, notes].join(" ").toLowerCase();
  const has = (whole: string, part = ""): boolean => whole.toLowerCase().includes(part.toLowerCase());
  const measured = quantitiesOf(definition);
  return (
    words.every((word) => has(text, word)) &&
    has(`${definition.maker} ${id}`, maker) &&
    has(dialect.kind, family) &&
    quantity.every((name) => measured.includes(name))
  );
}

const entryOf = (definition: DeviceDefinition) => {
  const { id, maker, model, aliases, dialect } = definition;
  return {
    id,
    maker,
    model,
    speaks: dialect.kind,
    aliases,
    quantities: quantitiesOf(definition),
  };
};

/** Each quantity that the device file has a point for, whatever the dialect: points are what names a quantity. */
export function quantitiesOf({ dialect }: DeviceDefinition): Quantity[] {
  const found = new Set<Quantity>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("quantity" in value && typeof value.quantity === "string" && isQuantity(value.quantity))
      found.add(value.quantity);
    Object.values(value).forEach(visit);
  };
  visit(dialect);
  return [...found];
}

async function show(id: string, { json, deviceFiles }: Options): Promise<string> {
  const { tests, ...definition } = (await openCatalogue(deviceFiles)).find(id);
  return json
    ? JSON.stringify({ ...definition, tests: tests.length }, undefined, 2)
    : definitionTable({ ...definition, tests });
}
