import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { effectOf, type Resolution } from "../domain/energy/continuity.ts";
import { FieldwattError, toIso } from "../domain/model/index.ts";
import { openCommands } from "../gateway/record/open.ts";
import { loadSite } from "../gateway/site/load.ts";
import { eventOf, ledgerEvents, type LedgerEvent } from "../gateway/summarise/ledger.ts";
import type { ClockLine } from "../platform/clock.ts";
import { clockLine, clockOf, wholeNumber } from "./command-line.ts";

interface Choice {
  readonly site: string;
  readonly preview?: true;
  readonly by: string;
  readonly clock?: ClockLine;
}

interface Correction extends Choice {
  readonly oldEnd?: number;
  readonly newStart?: number;
  readonly energy?: number;
  readonly factor?: number;
}

/** The continuity ledger from the command line. The gateway may be running: it looks again within seconds. */
export function energyCommand(): Command {
  const energy = new Command("energy").description(
    "counters that were reset, replaced, rolled over or jumped",
  );
  energy
    .command("events")
    .description("the ledger: what happened to the village's counters, and what people said of it")
    .requiredOption("--site <file>", "the site file")
    .option("--open", "only what waits for a person")
    .option("--json", "print JSON")
    .action(events);
  withChoice(
    energy.command("confirm").description("it is what it looks like: count what is proposed"),
  ).action((id: number, choice: Choice) =>
    say(id, choice, { says: "confirm", resolution: { kind: "asProposed" } }),
  );
  withChoice(energy.command("correct").description("it is something else, and this is what flowed"))
    .option("--old-end <Wh>", "where the old register ended, with --new-start", number)
    .option("--new-start <Wh>", "where the new register began", number)
    .option("--energy <Wh>", "what flowed between the two readings", wholeNumber({ from: 0, to: 1e12 }))
    .option("--factor <n>", "values since are so many times what they were", number)
    .addHelpText(
      "after",
      "\nExample: the meter was replaced\n  fieldwatt energy correct 3 --site site.yaml --old-end 812345 --new-start 0 --preview",
    )
    .action((id: number, choice: Correction) =>
      say(id, choice, { says: "correct", resolution: resolutionOf(choice) }),
    );
  withChoice(
    energy.command("undo").description("take back what was said last; the ledger keeps both lines"),
  ).action((id: number, choice: Choice) => say(id, choice, { says: "undo" }));
  return energy;
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("write a number.");
  return value;
}

const withChoice = (command: Command): Command =>
  command
    .argument("<event>", "its number in the ledger", wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER }))
    .requiredOption("--site <file>", "the site file")
    .option("--preview", "only say what it would do")
    .option("--by <name>", "who says so, for the ledger", "command line")
    .option(
      "--clock <line>",
      "a village clock: world ms, village ms, speed (default: the real time)",
      clockLine,
    );

function resolutionOf({ oldEnd, newStart, energy, factor }: Correction): Resolution {
  if (oldEnd !== undefined && newStart !== undefined) return { kind: "registers", oldEnd, newStart };
  if (energy !== undefined) return { kind: "energy", wattHours: energy };
  if (factor !== undefined) return { kind: "scale", factor };
  throw new FieldwattError("OPTION_INVALID", "Give --old-end and --new-start, or --energy, or --factor");
}

const recordOf = async (file: string) => ({ path: join((await loadSite(file)).data, "record.sqlite") });

async function events({ site, open, json }: { site: string; open?: true; json?: true }): Promise<void> {
  await using store = await openCommands(await recordOf(site));
  const list = ledgerEvents(store.read).filter(({ state }) => open === undefined || state === "open");
  if (json) console.log(JSON.stringify(list, null, 2));
  else if (list.length === 0)
    console.log(open ? "nothing waits for a person" : "no counter did anything odd");
  else for (const event of list) console.log(linesOf(event));
}

interface Said {
  readonly says: "confirm" | "correct" | "undo";
  readonly resolution?: Resolution;
}

async function say(id: number, choice: Choice, { says, resolution }: Said): Promise<void> {
  await using store = await openCommands(await recordOf(choice.site));
  const event = eventOf(store.read, id);
  const effect = resolution && effectOf(event, resolution);
  if (typeof effect === "string") throw new FieldwattError("OPTION_INVALID", `Event ${id}: ${effect}`);
  const words = effect
    ? `${effect.wattHours} Wh between ${toIso(event.before.time)} and ${toIso(event.after.time)}`
    : "unknown again until somebody settles it";
  if (choice.preview) {
    console.log(`Event ${id} would be ${words}. Nothing was changed.`);
    return;
  }
  const now = clockOf(choice.clock).now();
  await store.run("sayContinuity", {
    event: id,
    by: choice.by,
    now,
    says,
    ...(resolution && { resolution }),
  });
  console.log(`Event ${id} is ${words}. The gateway looks again at the quarter hours that it touches.`);
}

function linesOf({ id, stream, kind, state, before, after, proposed, effect, entries }: LedgerEvent): string {
  const head = `${id}  ${toIso(after.time).slice(0, 16)}  ${stream}  ${kind}  ${state}`;
  const what = `    ${before.register} Wh at ${toIso(before.time).slice(0, 16)}, then ${after.register} Wh`;
  const sum = effect ? `counted: ${effect.wattHours} Wh` : `proposed: ${proposed} Wh`;
  const said = entries.map(
    ({ made, by, says, effect: wh }) =>
      `\n    ${toIso(made).slice(0, 16)}  ${by}: ${says}${wh === undefined ? "" : `, ${wh} Wh`}`,
  );
  return `${head}\n${what}; ${sum}${said.join("")}`;
}
