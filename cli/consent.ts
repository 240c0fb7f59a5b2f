import { join } from "node:path";
import { Command } from "commander";
import {
  addMs,
  FieldwattError,
  memberId,
  toIso,
  type MemberId,
  type OfferId,
  type VotedPolicy,
} from "../domain/model/index.ts";
import { NO_POLICY_WORDS, openGovernance, type PolicyStanding } from "../gateway/governance/active.ts";
import { within } from "../gateway/governance/chain.ts";
import { openCommands } from "../gateway/record/open.ts";
import { consentRecords, givingOf, type ConsentRecord } from "../gateway/release/consents.ts";
import { mandateRecords } from "../gateway/release/mandates.ts";
import { limitsToText } from "../protocol/policy.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";
import type { ClockLine } from "../platform/clock.ts";
import { clockLine, clockOf, wholeNumber } from "./command-line.ts";
import { limitsInLine, limitsOf, withLimits, type LimitChoice } from "./consent-limits.ts";
import { mandateCommand } from "./consent-mandate.ts";
import { receiptCommand } from "./consent-receipt.ts";

const YEAR_DAYS = 365;
const DAY_MS = 86_400_000;

interface Choice extends LimitChoice {
  readonly site: string;
  readonly member: string;
  readonly offer: string;
  readonly days: number;
  readonly mandate?: number;
  readonly clock?: ClockLine;
}

/** Consents from the command line, for a member who stands beside the operator. The gateway may be running. */
export function consentCommand(): Command {
  const consent = new Command("consent").description("what members agreed to share");
  consent
    .command("list")
    .description("every consent on record, also those that ended")
    .requiredOption("--site <file>", "the site file")
    .option("--member <id>", "of one member only")
    .option("--json", "print JSON")
    .action(list);
  withLimits(withChoice(consent.command("give").description("keep a member's yes to an offer")))
    .option(
      "--mandate <n>",
      "said by a guardian, under this mandate (consent mandate list)",
      wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER }),
    )
    .option("--days <n>", "how long the consent lasts", wholeNumber({ from: 1, to: 3650 }), YEAR_DAYS)
    .addHelpText(
      "after",
      "\nExample:\n  fieldwatt consent give --site site.yaml --member household-01 --offer own-account-trading",
    )
    .action(give);
  withChoice(
    consent.command("withdraw").description("end a member's consent; nothing is released from now on"),
  ).action(withdraw);
  return consent.addCommand(receiptCommand()).addCommand(mandateCommand());
}

async function list({ site, member, json }: { site: string; member?: string; json?: true }): Promise<void> {
  await using store = await openCommands({ path: recordOf(await loadSite(site)) });
  const consents = consentRecords(store.read, member === undefined ? undefined : memberId(member));
  if (json) console.log(JSON.stringify(consents.map(asJson), null, 2));
  else for (const c of consents) console.log(lineOf(c));
}

async function give(choice: Choice): Promise<void> {
  const { site, member } = await chosen(choice);
  const clock = clockOf(choice.clock);
  const given = clock.now();
  await using store = await openCommands({ path: recordOf(site) });
  const { officers } = site.governance ?? {};
  const policy = mustBeInForce(openGovernance({ read: store.read, clock, officers, log: QUIET }).standing());
  const offer = policy.offers.find(({ id }) => id === choice.offer);
  if (!offer)
    throw new FieldwattError(
      "OPTION_INVALID",
      `The policy in force has no offer "${choice.offer}"; it has ${policy.offers.map(({ id }) => id).join(", ")}`,
    );
  const year = addMs(given, choice.days * DAY_MS);
  const expires = year <= offer.expires ? year : offer.expires;
  if (expires <= given) throw new FieldwattError("OPTION_INVALID", `The offer ${offer.id} has ended`);
  const { mandate } = choice;
  if (mandate !== undefined && !mandateRecords(store.read, member).some(({ id }) => id === mandate))
    throw new FieldwattError("OPTION_INVALID", `${member} gave no mandate ${mandate}`);
  const yes = { member, policy, offer, given, expires, limits: limitsOf(choice) };
  await store.run("giveConsent", givingOf({ ...yes, ...(mandate !== undefined && { mandate }) }));
  console.log(`${member} agreed to "${offer.title}" until ${toIso(expires).slice(0, 10)}`);
}

async function withdraw(choice: Choice): Promise<void> {
  const { site, member } = await chosen(choice);
  const { offer } = choice;
  await using store = await openCommands({ path: recordOf(site) });
  const ended = await store.run("withdrawConsent", {
    member,
    offer: offer as OfferId,
    withdrawn: clockOf(choice.clock).now(),
  });
  console.log(ended > 0 ? `${member} withdrew "${offer}"` : `${member} had no consent to "${offer}"`);
}

const withChoice = (command: Command): Command =>
  command
    .requiredOption("--site <file>", "the site file")
    .requiredOption("--member <id>", "the member")
    .requiredOption("--offer <id>", "the offer, as in the policy in force")
    .option(
      "--clock <line>",
      "a village clock: world ms, village ms, speed (default: the real time)",
      clockLine,
    );

const recordOf = (site: Site): string => join(site.data, "record.sqlite");

async function chosen({
  site: file,
  member,
}: Choice): Promise<{ readonly site: Site; readonly member: MemberId }> {
  const site = await loadSite(file);
  if (!site.members.some((m) => m.id === member))
    throw new FieldwattError("OPTION_INVALID", `${file} has no member "${member}"`);
  return { site, member: memberId(member) };
}

const QUIET = { info: () => undefined, error: () => undefined };

function mustBeInForce(standing: PolicyStanding): VotedPolicy {
  if (standing.kind === "inForce") return within(standing.link);
  const why = NO_POLICY_WORDS[standing.because];
  throw new FieldwattError("POLICY_REFUSED", `No policy is in force: ${why}`);
}

const asJson = ({ limits, ...consent }: ConsentRecord): object => ({
  ...consent,
  limits: JSON.parse(limitsToText(limits)) as unknown,
});

function lineOf({ id, member, offer, given, expires, withdrawn, limits, guardian }: ConsentRecord): string {
  const end =
    withdrawn === undefined
      ? `until ${toIso(expires).slice(0, 10)}`
      : `withdrawn ${toIso(withdrawn).slice(0, 16)}`;
  const said = guardian ? `  said by ${guardian.guardian}` : "";
  return `${id}  ${member}  ${offer}  since ${toIso(given).slice(0, 16)}  ${end}${said}${limitsInLine(limits)}`;
}
