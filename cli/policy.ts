import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { chainFault } from "../domain/consent/chain.ts";
import { comparePolicies, labelOf } from "../domain/consent/compare.ts";
import type { ByteSource } from "../domain/consent/noise.ts";
import { FieldwattError, type VotedPolicy } from "../domain/model/index.ts";
import { checkYamlFile, problemToText, valueOf } from "../platform/yaml-file.ts";
import { votedPolicy } from "../protocol/policy.ts";
import { decideCase, type CaseAnswer } from "../protocol/policy-case.ts";
import { addVoteCommands } from "./policy-vote.ts";
import { policyWarnings } from "./policy-warnings.ts";
import { answerInWords, changeInWords, policyInWords } from "./policy-words.ts";
import { readStandardInput } from "./stdin.ts";
import type { ClockLine } from "../platform/clock.ts";
import { clockLine, wholeNumber } from "./command-line.ts";

/** The co-op's policy: what it decides, what it says, what a new one would change. */
export function policyCommand(): Command {
  const policy = new Command("policy").description(
    "the co-op's policy: vote it, show, compare, check, decide",
  );
  policy
    .command("decide")
    .description("decide one case from standard input, as the gate does (docs/policy-cases.md)")
    .option("--json", "print JSON")
    .option("--lines", "every line is a case, and is answered with a line")
    .option("--bytes <file>", "the random bytes for an offer with noise; without them it is denied")
    .addHelpText(
      "after",
      "\nThe exit status is 0 for a release and for a deny.\n\nExample:\n  fieldwatt policy decide --json < case.json",
    )
    .action(decideFromInput);
  policy
    .command("show")
    .description("say in plain words what a policy file offers, or with --site which policy is in force")
    .argument("[file]", "the policy, YAML or JSON")
    .option("--site <file>", "the site file: what is in force there, and every version")
    .option("--proposal <n>", "with --site: what is voted on", wholeNumber({ from: 1, to: 1_000_000 }))
    .option("--clock <line>", "with --site: a village clock", clockLine)
    .option("--json", "print JSON")
    .action(show);
  policy
    .command("diff")
    .description("what a new policy changes, with its label: tighten, loosen, mixed or same")
    .argument("<old>", "the policy in force")
    .argument("<new>", "the proposed one")
    .option("--json", "print JSON")
    .action(diff);
  policy
    .command("check")
    .description("whether a policy file is in its form, and what about it may surprise")
    .argument("<file>", "the policy, YAML or JSON")
    .option("--previous <file>", "the version before: the chain of hashes is checked, too")
    .action(check);
  addVoteCommands(policy);
  return policy;
}

interface DecideOptions {
  readonly json?: true;
  readonly lines?: true;
  readonly bytes?: string;
}

async function decideFromInput({ json, lines, bytes: file }: DecideOptions): Promise<void> {
  const bytes = file === undefined ? undefined : bytesFrom(await readFile(file));
  const text = await inputText();
  const cases = lines ? text.split("\n").filter((line) => line.trim() !== "") : [text];
  for (const one of cases) {
    const answer: CaseAnswer = decideCase(one, bytes);
    console.log(json ? JSON.stringify(answer) : answerInWords(answer));
  }
}

/** Standard input; what is no text at all is no case, and is denied like one. */
const inputText = (): Promise<string> => readStandardInput().catch(() => "");

function bytesFrom(all: Uint8Array): ByteSource {
  let used = 0;
  return (count) => {
    if (used + count > all.length) throw new FieldwattError("OPTION_INVALID", "The random bytes are used up");
    used += count;
    return all.subarray(used - count, used);
  };
}

interface ShowOptions {
  readonly json?: true;
  readonly site?: string;
  readonly proposal?: number;
  readonly clock?: ClockLine;
}

async function show(file: string | undefined, { json, site, proposal, clock }: ShowOptions): Promise<void> {
  if (site !== undefined) {
    const at = { site, ...(clock && { clock }), ...(json && { json }) };
    const { showInForce, showProposal } = await import("./policy-look.ts");
    await (proposal === undefined ? showInForce(at) : showProposal(proposal, at));
    return;
  }
  if (file === undefined) throw new FieldwattError("OPTION_INVALID", "Give a policy file, or --site.");
  const policy = await loadVoted(file);
  console.log(json ? JSON.stringify(policy, bigintsAsText, 2) : policyInWords(policy));
}

const bigintsAsText = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? String(value) : value;

async function diff(old: string, next: string, { json }: { json?: true }): Promise<void> {
  const changes = comparePolicies(await loadVoted(old), await loadVoted(next));
  const label = labelOf(changes);
  if (json) console.log(JSON.stringify({ label, changes }, null, 2));
  else console.log([label, ...changes.map(changeInWords)].join("\n"));
}

async function check(file: string, { previous }: { previous?: string }): Promise<void> {
  const checked = await checkYamlFile(file, votedPolicy, "POLICY_FILE_INVALID");
  if (!("value" in checked)) {
    for (const problem of checked.problems) console.error(problemToText(problem));
    process.exitCode = 1;
    return;
  }
  const policy = checked.value;
  const fault =
    previous === undefined ? undefined : chainFault([await loadVoted(previous), await loadVoted(file)]);
  if (fault)
    throw new FieldwattError("POLICY_FILE_INVALID", `${file} does not follow ${previous}: ${fault.because}`);
  for (const warning of policyWarnings(policy)) console.log(`${file}: ${warning}`);
  console.log(`${file}: version ${policy.version} is in its form, hash ${policy.hash}`);
}

const loadVoted = async (file: string): Promise<VotedPolicy> =>
  valueOf(await checkYamlFile(file, votedPolicy, "POLICY_FILE_INVALID"), "POLICY_FILE_INVALID");
