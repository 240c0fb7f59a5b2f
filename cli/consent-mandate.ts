import { join } from "node:path";
import { Command } from "commander";
import { addMs, FieldwattError, memberId, toIso, type OfferId } from "../domain/model/index.ts";
import { openCommands } from "../gateway/record/open.ts";
import { mandateRecords, type MandateRecord } from "../gateway/release/mandates.ts";
import { loadSite } from "../gateway/site/load.ts";
import type { ClockLine } from "../platform/clock.ts";
import { clockLine, clockOf, wholeNumber } from "./command-line.ts";

const DAY_MS = 86_400_000;

interface Choice {
  readonly site: string;
  readonly member: string;
  readonly guardian: string;
  readonly offers?: string;
  readonly days: number;
  readonly clock?: ClockLine;
}

/** Guardian mandates, by the operator's hand: who may say yes for a member, in what, until when. */
export function mandateCommand(): Command {
  const mandate = new Command("mandate").description("who may say yes for a member");
  const site = (command: Command): Command =>
    command
      .requiredOption("--site <file>", "the site file")
      .option("--clock <line>", "a village clock: world ms, village ms, speed", clockLine);
  site(mandate.command("give").description("keep a mandate; the member can end it on their page"))
    .requiredOption("--member <id>", "for whom")
    .requiredOption("--guardian <name>", "who says it, 64 letters at most")
    .option("--offers <ids>", "in these offers only, separated by commas; without it in all")
    .option("--days <n>", "how long it lasts", wholeNumber({ from: 1, to: 3650 }), 365)
    .addHelpText(
      "after",
      "\nExample:\n  fieldwatt consent mandate give --site site.yaml --member household-01 --guardian 'Aunt Njeri'",
    )
    .action(give);
  site(mandate.command("list").description("every mandate, also those that ended")).action(list);
  site(mandate.command("revoke").description("end a mandate, and what was said under it"))
    .requiredOption("--id <n>", "its number", wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER }))
    .action(revoke);
  return mandate;
}

const recordOf = async (file: string): Promise<string> => join((await loadSite(file)).data, "record.sqlite");

async function give({ site: file, member, guardian, offers, days, clock }: Choice): Promise<void> {
  const site = await loadSite(file);
  if (!site.members.some(({ id }) => id === member))
    throw new FieldwattError("OPTION_INVALID", `${file} has no member "${member}"`);
  if (guardian.length === 0 || guardian.length > 64)
    throw new FieldwattError("OPTION_INVALID", "A guardian has a name of 1 to 64 letters");
  const from = clockOf(clock).now();
  const scope = offers === undefined ? "all" : offers.split(",").map((id) => id.trim() as OfferId);
  await using store = await openCommands({ path: await recordOf(file) });
  const until = addMs(from, days * DAY_MS);
  const id = await store.run("giveMandate", { guardian, member: memberId(member), scope, from, until });
  console.log(`mandate ${id}: ${guardian} may say yes for ${member} until ${toIso(until).slice(0, 10)}`);
}

async function list({ site }: { site: string }): Promise<void> {
  await using store = await openCommands({ path: await recordOf(site) });
  for (const one of mandateRecords(store.read)) console.log(lineOf(one));
}

async function revoke({ site, id, clock }: { site: string; id: number; clock?: ClockLine }): Promise<void> {
  await using store = await openCommands({ path: await recordOf(site) });
  const ended = await store.run("revokeMandate", { id, time: clockOf(clock).now(), by: "board" });
  if (!ended) throw new FieldwattError("OPTION_INVALID", `There is no mandate ${id} that could be ended`);
  console.log(`mandate ${id} has ended`);
}

function lineOf({ id, guardian, member, scope, until, revoked }: MandateRecord): string {
  const end = revoked
    ? `revoked ${toIso(revoked.at).slice(0, 16)} by the ${revoked.by}`
    : `until ${toIso(until).slice(0, 10)}`;
  return `${id}  ${guardian} for ${member}  ${scope === "all" ? "all offers" : scope.join(",")}  ${end}`;
}
