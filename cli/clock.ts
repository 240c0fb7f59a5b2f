import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Command } from "commander";
import { FieldwattError, fromLocal, instant, messageOf, toIso, type Instant } from "../domain/model/index.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import { clockEvents } from "../gateway/time/events.ts";
import { openMachine } from "../gateway/time/machine.ts";
import { giveOrder } from "../gateway/time/orders.ts";
import { undatedBoots, type UndatedBoot } from "../gateway/time/undated.ts";
import type { ClockEvent } from "../gateway/time/commands.ts";

interface Options {
  readonly site: string;
}

/** `fieldwatt clock …`: what the gateway's clock did, and a person's word for what time it is. */
export function clockCommand(): Command {
  const clock = new Command("clock").description("what the gateway's clock did, and what time it is");
  subcommand(clock, "show")
    .description("the last changes of the clock, and readings that wait for their time")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  fieldwatt clock show --site site.yaml")
    .action(show);
  subcommand(clock, "set")
    .description("say what time it is now; the running gateway takes it within seconds")
    .option(
      "--time <time>",
      "2026-06-15T07:45:30 on the site's clocks, or with a Z (default: this machine's)",
    )
    .option("--earlier", "also where the record has later entries")
    .addHelpText("after", "\nExample:\n  fieldwatt clock set --site site.yaml --time 2026-06-15T07:45:30")
    .action(set);
  subcommand(clock, "date")
    .description("date the readings of a boot that never knew the time")
    .requiredOption("--boot <id>", "the boot, from `fieldwatt clock show`")
    .requiredOption("--started <time>", "when the machine was started then")
    .action(date);
  subcommand(clock, "discard")
    .description("give up the readings of a boot that never knew the time")
    .requiredOption("--boot <id>", "the boot, from `fieldwatt clock show`")
    .option("--yes", "they are gone for good")
    .action(discard);
  return clock;
}

const subcommand = (parent: Command, name: string): Command =>
  parent.command(name).requiredOption("--site <file>", "the site file");

const TAKEN = "The gateway takes it within seconds; see `fieldwatt clock show`.";

async function show({ site: file, json }: Options & { json?: true }): Promise<void> {
  const site = await loadSite(file);
  using db = openToRead(join(site.data, "record.sqlite"));
  const found = { events: clockEvents(db, 20), undated: undatedBoots(db) };
  if (json) console.log(JSON.stringify(found, null, 2));
  else for (const line of [...found.events.map(eventLine), ...found.undated.map(bootLine)]) console.log(line);
}

function openToRead(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly: true });
  } catch (error) {
    throw new FieldwattError("RECORD_FAILED", `There is no record in ${path}: ${messageOf(error)}`);
  }
}

const eventLine = ({ time, state, because, corrected }: ClockEvent): string =>
  `${state === "unset" ? "after " : ""}${toIso(time)}  ${state.padEnd(8)}  ${because}` +
  (corrected === undefined ? "" : ` (${Math.round(corrected / 1000)} s)`);

function bootLine({ boot, readings, first, last, after, before }: UndatedBoot): string {
  const text = (time: Instant | undefined) => (time === undefined ? "?" : toIso(time));
  const seconds = (ms: number) => Math.round(ms / 1000);
  return `boot ${boot}: ${readings} readings wait, ${seconds(first)} to ${seconds(last)} s after its start, between ${text(after)} and ${text(before)}`;
}

const machine = () =>
  openMachine(
    () => Date.now(),
    () => process.hrtime.bigint(),
  );

async function set({
  site: file,
  time,
  earlier,
}: Options & { time?: string; earlier?: true }): Promise<void> {
  const site = await loadSite(file);
  const { boot, uptime, wall } = machine();
  const now = time === undefined ? instant(Math.floor(wall())) : timeOf(site, time);
  await giveOrder(site.data, { kind: "set", boot, uptime: uptime(), time: now, earlier: earlier ?? false });
  console.log(`It is ${toIso(now)}. ${TAKEN}`);
}

async function date({
  site: file,
  boot,
  started,
}: Options & { boot: string; started: string }): Promise<void> {
  const site = await loadSite(file);
  await giveOrder(site.data, { kind: "date", boot, bootTime: timeOf(site, started) });
  console.log(TAKEN);
}

async function discard({ site: file, boot, yes }: Options & { boot: string; yes?: true }): Promise<void> {
  if (!yes) throw new FieldwattError("OPTION_INVALID", "They are gone for good: say --yes");
  await giveOrder((await loadSite(file)).data, { kind: "discard", boot });
  console.log(TAKEN);
}

/** A time with a zone is an instant; one without is on the clocks of the site. */
function timeOf({ timeZone }: Site, text: string): Instant {
  const found = /(Z|[+-]\d\d:\d\d)$/.test(text) ? instant(Date.parse(text)) : fromLocal(text, timeZone);
  if (found !== undefined && Number.isFinite(found)) return found;
  throw new FieldwattError("OPTION_INVALID", `"${text}" is no time such as 2026-06-15T07:45:30`);
}
