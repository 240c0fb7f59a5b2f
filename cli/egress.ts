import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { FieldwattError, messageOf, toIso, instant } from "../domain/model/index.ts";
import { verifyEgressProof, type Trust, type VerifiedProof } from "../protocol/egress-proof.ts";
import { verifierKeyFromText } from "../protocol/note.ts";
import { checkProofJson } from "../protocol/proof-json.ts";
import { auditCommand } from "./egress-audit.ts";
import { readStandardInput } from "./stdin.ts";

export function egressCommand(): Command {
  return new Command("egress")
    .description("proofs of what left")
    .addCommand(verifyCommand())
    .addCommand(auditCommand())
    .addCommand(proofCheckCommand());
}

function proofCheckCommand(): Command {
  return new Command("proof-check")
    .description(
      "check an inclusion or consistency proof (RFC 6962) in the JSON form of transparency-dev/merkle",
    )
    .addHelpText(
      "after",
      '\nPrints one JSON object, {"valid": true|false, "error"?}.\n\nExample:\n  fieldwatt egress proof-check < proof.json',
    )
    .action(async () => console.log(JSON.stringify(checkProofJson(await readStandardInput()))));
}

interface VerifyOptions {
  readonly logKey?: string;
  readonly witnessKey: readonly string[];
  readonly json?: true;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function verifyCommand(): Command {
  return new Command("verify")
    .description("check a member's proof of one release, without gateway, hub or network")
    .argument("<file>", "the proof, as the member's page gave it")
    .option("--log-key <key>", "the log's key as the co-op published it (default: the one in the file)")
    .option("--witness-key <key>", "a witness's key; may be given more than once", collect, [])
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExits with 1 when the proof does not hold.\n\nExample:\n  fieldwatt egress verify release-12.json",
    )
    .action(async (file: string, { logKey, witnessKey, json }: VerifyOptions) => {
      const trust: Trust = {
        ...(logKey !== undefined && { log: verifierKeyFromText(logKey) }),
        ...(witnessKey.length > 0 && { witnesses: witnessKey.map(verifierKeyFromText) }),
      };
      const outcome = await outcomeOf(file, trust);
      if (json) console.log(JSON.stringify(outcome, null, 2));
      else console.log("error" in outcome ? `Does not hold: ${outcome.error}` : wordsOf(outcome));
      if (!outcome.valid) process.exitCode = 1;
    });
}

type Outcome =
  | ({ readonly valid: true } & VerifiedProof)
  | { readonly valid: false; readonly code: string; readonly error: string };

async function outcomeOf(file: string, trust: Trust): Promise<Outcome> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new FieldwattError("OPTION_INVALID", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  });
  try {
    return { valid: true, ...verifyEgressProof(text, trust) };
  } catch (error) {
    if (!(error instanceof FieldwattError)) throw error;
    return { valid: false, code: error.code, error: error.message };
  }
}

const day = (ms: number): string => toIso(instant(ms)).slice(0, 16).replace("T", " ");

function wordsOf({ leaf, item, member, log, index, size, witnessed, trusted }: VerifiedProof): string {
  const seen = witnessed.map(({ name, time }) => `${name} at ${day(time)} UTC`);
  return [
    `Holds: release ${index + 1} of ${size} in ${log}.`,
    `  About        ${member}, ${day(leaf.window.from)} to ${day(leaf.window.to)} UTC`,
    `  Left for     ${leaf.recipient}, under the offer "${leaf.offer}"`,
    `  Seen by      ${seen.length > 0 ? seen.join(", ") : "no witness yet"}`,
    `  What left    ${JSON.stringify(item)}`,
    ...(trusted
      ? []
      : ["The log's key is the one in the file: compare it with the one that the co-op published."]),
  ].join("\n");
}
