import { Command } from "commander";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { canonicalJson } from "../protocol/canonical.ts";
import { readStandardInput } from "./stdin.ts";

export function jcsCommand(): Command {
  return new Command("jcs")
    .description("canonical JSON (RFC 8785) of standard input: the bytes that Fieldwatt hashes and signs")
    .addHelpText("after", "\nExample:\n  fieldwatt jcs < policy.json | sha256sum")
    .action(async () => void process.stdout.write(canonical(await readStandardInput())));
}

function canonical(text: string): string {
  try {
    return canonicalJson(JSON.parse(text));
  } catch (cause) {
    throw new FieldwattError("MESSAGE_INVALID", `Standard input is not JSON: ${messageOf(cause)}`, { cause });
  }
}
