import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { parseRegisters } from "../drivers/index.ts";
import { commonLayouts, parseDisplay, solve, type Layout, type Solution } from "../drivers/modbus/solve.ts";

interface SolveOptions {
  readonly registers: string;
  readonly display: string[];
  readonly all?: true;
  readonly json?: true;
}

/** What explains one display. */
interface Answer {
  readonly display: string;
  readonly solutions: readonly Solution[];
}

/** Explanations of one display that are shown unless all are asked for. */
const SHOWN = 10;
const collect = (value: string, before: string[]): string[] => [...before, value];

/** `fieldwatt device solve`: which registers, read how, say what the meter's display says. */
export function deviceSolveCommand(): Command {
  return new Command("solve")
    .description("find the registers that explain what a meter's display says")
    .requiredOption(
      "--registers <file>",
      'registers as JSON: {"input": {"0": ["4366", "3333"]}, "holding": {}}',
    )
    .requiredOption(
      "--display <text>",
      'what the display says, "231.2 V"; give it for several values',
      collect,
      [],
    )
    .option("--all", `list more than ${SHOWN} explanations of a value`)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      '\nExample:\n  fieldwatt device solve --registers meter.json --display "231.2 V" --display "50.01 Hz"',
    )
    .action(async (options: SolveOptions) => {
      const { answers, layouts } = await answer(options);
      console.log(options.json ? JSON.stringify({ answers, layouts }, undefined, 2) : page(answers, layouts));
    });
}

/** Ranked: what other displays are explained by goes before a chance hit. Throws DECODE_INPUT_INVALID, OPTION_INVALID. */
async function answer({
  registers: file,
  display,
  all,
}: SolveOptions): Promise<{ answers: Answer[]; layouts: Layout[] }> {
  const registers = parseRegisters(await readJson(file));
  const displays = display.map((text) => {
    const parsed = parseDisplay(text);
    if (!parsed)
      throw new FieldwattError("OPTION_INVALID", `"${text}" begins with no number, as "231.2 V" does`);
    return parsed;
  });
  const found = displays.map((one) => solve(one, registers));
  const layouts = commonLayouts(found);
  const weight = (one: Solution): number =>
    layouts.find(({ table, as, order }) => table === one.table && as === one.as && order === one.order)
      ?.explains ?? 0;
  const answers = displays.map(({ text }, index) => ({
    display: text,
    solutions: (found[index] ?? [])
      .toSorted((a, b) => weight(b) - weight(a))
      .slice(0, all ? undefined : SHOWN),
  }));
  return { answers, layouts: displays.length > 1 ? layouts.filter(({ explains }) => explains > 1) : [] };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new FieldwattError("DECODE_INPUT_INVALID", `${file}: ${messageOf(cause)}`, { cause });
  }
}

function page(answers: readonly Answer[], layouts: readonly Layout[]): string {
  const common = layouts
    .slice(0, 3)
    .map(
      ({ table, as, order, explains }) =>
        `${as} ${order} in ${table} registers explains ${explains} of ${answers.length}`,
    );
  return [...answers.map(table), ...(common.length > 0 ? [common.join("\n")] : [])].join("\n\n");
}

function table({ display, solutions }: Answer): string {
  if (solutions.length === 0) return `${display}\n  nothing in these registers says so`;
  const rows = solutions.map(({ table: name, at, as, order, scale, value }) =>
    [
      `  ${name.padEnd(8)}`,
      String(at).padStart(5),
      `0x${at.toString(16).padStart(4, "0")}`,
      as.padEnd(8),
      order,
      `× ${scale}`.padEnd(8),
      `= ${value}`,
    ].join("  "),
  );
  return [display, ...rows].join("\n");
}
