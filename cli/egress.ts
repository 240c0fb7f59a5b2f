import { Command } from "commander";
import { checkProofJson } from "../protocol/proof-json.ts";
import { readStandardInput } from "./stdin.ts";

export function egressCommand(): Command {
  const egress = new Command("egress").description("proofs of what left");
  egress
    .command("proof-check")
    .description(
      "check an inclusion or consistency proof (RFC 6962) in the JSON form of transparency-dev/merkle",
    )
    .addHelpText(
      "after",
      '\nPrints one JSON object, {"valid": true|false, "error"?}.\n\nExample:\n  fieldwatt egress proof-check < proof.json',
    )
    .action(async () => console.log(JSON.stringify(checkProofJson(await readStandardInput()))));
  return egress;
}
