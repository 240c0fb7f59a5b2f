import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { FieldwattError, hasCode } from "../domain/model/index.ts";
import {
  devicesOf,
  forgetAsked,
  heldAbout,
  wishes,
  type Forgotten,
  type Held,
} from "../gateway/erasure/forgetting.ts";
import { openCommands, openRecord } from "../gateway/record/open.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import type { ClockLine } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { clockLine, clockOf } from "./command-line.ts";

interface Options {
  readonly site: string;
  readonly yes?: string;
  readonly json?: true;
  readonly clock?: ClockLine;
}

/** Who enters a wish here: the operator, with the member beside them. */
const BY = "operator";

/** `fieldwatt member forget`: for a member without a phone, who stands beside the operator. The gateway may be running. */
export const forgetCommand = (): Command =>
  new Command("forget")
    .argument("<id>", "the member's id in the site file")
    .description("delete what is held on this gateway about a member, as the member asks")
    .requiredOption("--site <file>", "the site file")
    .option("--yes <id>", "the member's id once more, in place of the question")
    .option("--json", "print JSON")
    .option(
      "--clock <line>",
      "a village clock: world ms, village ms, speed (default: the real time)",
      clockLine,
    )
    .addHelpText(
      "after",
      `
It says first what goes and what stays, and asks. Settled trades stay, and the log of what left. Every yes that stands
is taken back, and those who got something are asked to delete it (docs/forgetting.md).

Example:
  fieldwatt member forget house-07 --site site.yaml`,
    )
    .action(forget);

async function forget(id: string, options: Options): Promise<void> {
  const site = await loadSite(options.site);
  const member = site.members.find((one) => one.id === id);
  if (!member) throw new FieldwattError("OPTION_INVALID", `There is no member "${id}" in ${site.file}`);
  const devices = devicesOf(site, id);
  {
    await using store = await openCommands({ path: recordOf(site) });
    if (!options.json) console.log(listOf(heldAbout(store.read, id, devices), devices, member.name));
    await mustBeMeant(id, options.yes);
    await store.run("orderForgetting", { member: id, by: BY, now: clockOf(options.clock).now() });
  }
  const done = await doneHere(site, options);
  const wish = done?.find((one) => one.member === id);
  if (options.json) console.log(JSON.stringify({ member: id, done: wish !== undefined, ...wish }, null, 2));
  else
    console.log(wish ? doneWords(wish) : "It is kept. The gateway that is running does it within a minute.");
}

const recordOf = (site: Site): string => join(site.data, "record.sqlite");

/** Does it where no gateway runs. @returns the wishes on record, or undefined where a gateway has the record open */
async function doneHere(site: Site, { clock }: Options): Promise<readonly Forgotten[] | undefined> {
  try {
    await using store = await openRecord({ path: recordOf(site), timeZone: site.timeZone });
    const log = openLog("member", { write: () => undefined });
    await forgetAsked({ site, store, clock: clockOf(clock), log });
    return wishes(store.read);
  } catch (error) {
    if (hasCode(error, "RECORD_BUSY")) return undefined;
    throw error;
  }
}

async function mustBeMeant(id: string, yes: string | undefined): Promise<void> {
  if (yes === undefined && !process.stdin.isTTY)
    throw new FieldwattError(
      "OPTION_INVALID",
      `Nothing was deleted. Say --yes ${id}, or run this in a terminal.`,
    );
  const said = yes ?? (await asked(`It cannot be undone. Write the member's id (${id}) to go on: `));
  if (said.trim() !== id) throw new FieldwattError("OPTION_INVALID", "Nothing was deleted.");
}

async function asked(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

const listOf = (held: Held, devices: readonly string[], name: string): string =>
  [
    `Of ${name} this goes, for ever:`,
    `  ${held.readings} readings of ${devices.length === 0 ? "no device" : devices.join(", ")}, and the last hours'`,
    `  ${held.days} sums of days, ${held.quarterHours} quarter hours, ${held.summaries} summaries`,
    `  the figures of ${held.releases} releases, ${held.advice} pieces of advice, ${held.alerts} messages to them`,
    "Every yes that stands is taken back, and those who got something are asked to delete it.",
    "This stays:",
    `  ${held.trades} settled trades and their money, because bills are made from them`,
    `  that ${held.leaves} releases left, in the log that proves it; ${held.consents} yeses with their dates; the PIN`,
    "Old backups and the files of sinks are not touched: destroy them, or write over them.",
  ].join("\n");

function doneWords({ gone }: Forgotten): string {
  const { readings = 0, quarterHours = 0, summaries = 0 } = gone ?? {};
  return `Deleted: ${readings} readings, ${quarterHours} quarter hours, ${summaries} summaries; the files hold them no more.`;
}
