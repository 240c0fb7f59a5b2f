import { InvalidArgumentError, type Command } from "commander";
import { CHOICES, type Choice } from "../domain/governance/vote.ts";
import { clockLine, wholeNumber } from "./command-line.ts";
import type { AtSite, CertifyOptions, ProposeOptions, VoteOptions } from "./policy-steps.ts";

/** The commands by which a co-op votes a policy (docs/governance.md). */
// To decide a case or to compare two files, no record is opened: what needs one is loaded when it is asked for.
const steps = () => import("./policy-steps.ts");
const looks = () => import("./policy-look.ts");
const WEEK_HOURS = 168;
const YEAR_HOURS = 8_784;
const proposalNumber = wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER });

export function addVoteCommands(policy: Command): void {
  officerKeyCommand(policy);
  proposeCommand(policy);
  voteCommand(policy);
  atSite(policy.command("proposals").description("what is voted on, and what was")).action(
    async (at: AtSite) => (await looks()).listProposals(at),
  );
  step(policy.command("count").description("count a vote that is over, once and for all")).action(
    async (id: number, at: AtSite) => (await steps()).count(id, at),
  );
  step(
    policy
      .command("certificate")
      .description("print what the officers sign, with the signatures that are there"),
  ).action(async (id: number, at: AtSite) => (await looks()).printCertificate(id, at));
  certifyCommand(policy);
  step(
    policy
      .command("activate")
      .description("put a policy with two officers' signatures in force, when its day comes"),
  ).action(async (id: number, at: AtSite) => (await steps()).activate(id, at));
}

const withClock = (command: Command): Command =>
  command.option(
    "--clock <line>",
    "a village clock: world ms, village ms, speed (default: the real time)",
    clockLine,
  );
const atSite = (command: Command): Command =>
  withClock(command).requiredOption("--site <file>", "the site file").option("--json", "print JSON");
const step = (command: Command): Command =>
  withClock(command)
    .argument("<proposal>", "its number", proposalNumber)
    .requiredOption("--site <file>", "the site file");

const officerKeyCommand = (policy: Command): Command =>
  policy
    .command("officer-key")
    .description("make the key of an officer, who keeps it")
    .argument("<file>", "where the private key goes")
    .requiredOption("--name <name>", "the officer's name, as in the site file")
    .action(async (file: string, options: { readonly name: string }) =>
      (await looks()).makeOfficerKey(file, options),
    );

const proposeCommand = (policy: Command): Command =>
  withClock(policy.command("propose"))
    .description("open a vote on a policy: all members of this moment may vote")
    .argument("<file>", "the policy, YAML or JSON")
    .requiredOption("--site <file>", "the site file")
    .requiredOption("--title <text>", "what members read first")
    .requiredOption("--by <name>", "who proposes it")
    .option("--discussion <file>", "a text file: why, and what speaks against it")
    .option("--hours <n>", "how long the vote is open", wholeNumber({ from: 1, to: YEAR_HOURS }), WEEK_HOURS)
    .addHelpText(
      "after",
      '\nExample:\n  fieldwatt policy propose policy.yaml --site site.yaml --title "Our first policy" --by "the board"',
    )
    .action(async (file: string, options: ProposeOptions) => (await steps()).propose(file, options));

function voteCommand(policy: Command): Command {
  return step(policy.command("vote"))
    .description("cast a member's ballot, who types the PIN; or enter one from paper")
    .requiredOption("--member <id>", "whose ballot it is")
    .requiredOption("--choice <choice>", CHOICES.join(", "), choiceOf)
    .option("--paper", "it stands on paper: two tellers enter it, each with a PIN")
    .option("--teller <id>", "who reads the paper")
    .option("--pin-file <file>", "a file with the PIN in its first line; without it the PIN is asked for")
    .addHelpText(
      "after",
      "\nExamples:\n  fieldwatt policy vote 1 --site site.yaml --member house-01 --choice yes" +
        "\n  fieldwatt policy vote 1 --site site.yaml --member house-07 --choice no --paper --teller house-02",
    )
    .action(async (proposal: number, options: VoteOptions) => (await steps()).vote(proposal, options));
}

function choiceOf(text: string): Choice {
  const choice = CHOICES.find((one) => one === text);
  if (choice) return choice;
  throw new InvalidArgumentError(`It must be one of ${CHOICES.join(", ")}.`);
}

const certifyCommand = (policy: Command): Command =>
  withClock(policy.command("certify"))
    .description("sign a vote that was carried; two of the three officers must")
    .argument("[proposal]", "its number", proposalNumber)
    .option("--site <file>", "the site file")
    .option("--officer <name>", "who signs")
    .option("--key <file>", "the officer's private key")
    .option("--from <file>", "sign a printed certificate on another computer; prints the signature")
    .option("--signature <file>", "take a signature that was made on another computer")
    .addHelpText(
      "after",
      "\nExamples:\n  fieldwatt policy certify 1 --site site.yaml --officer Amina --key amina.key" +
        "\n  fieldwatt policy certify --from certificate.json --officer Amina --key amina.key > signature.json",
    )
    .action(async (proposal: number | undefined, options: CertifyOptions) =>
      (await steps()).certify(proposal, options),
    );
