import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Command, Option } from "commander";
import { FieldwattError } from "../domain/model/index.ts";
import { receiptFacts } from "../gateway/release/receipts.ts";
import { openIdentity } from "../gateway/site/identity.ts";
import { loadSite } from "../gateway/site/load.ts";
import type { ClockLine } from "../platform/clock.ts";
import { RECEIPT_FORMATS, receiptText, type ReceiptFormat } from "../protocol/receipts/index.ts";
import { clockLine, clockOf, wholeNumber } from "./command-line.ts";

interface Choice {
  readonly site: string;
  readonly member: string;
  readonly id: number;
  readonly format: ReceiptFormat;
  readonly language: string;
  readonly clock?: ClockLine;
}

/** `consent receipt`: one consent as others read it. The gateway may be running. */
export function receiptCommand(): Command {
  return new Command("receipt")
    .description("print the receipt of one consent")
    .requiredOption("--site <file>", "the site file")
    .requiredOption("--member <id>", "the member")
    .requiredOption(
      "--id <n>",
      "the consent's number, as `consent list` prints it",
      wholeNumber({ from: 1, to: Number.MAX_SAFE_INTEGER }),
    )
    .addOption(
      new Option("--format <name>", "dpv: ISO/IEC TS 27560, signed; kantara: 1.1; odrl: 2.2")
        .choices(RECEIPT_FORMATS)
        .default("dpv"),
    )
    .option("--language <code>", "in which the member was asked", "en")
    .option("--clock <line>", "a village clock: world ms, village ms, speed", clockLine)
    .addHelpText(
      "after",
      "\nExample:\n  fieldwatt consent receipt --site site.yaml --member household-01 --id 1",
    )
    .action(async (choice: Choice) => console.log(await receipt(choice)));
}

async function receipt({ site: file, member, id, format, language, clock }: Choice): Promise<string> {
  const site = await loadSite(file);
  const identity = await openIdentity(site.data, randomBytes);
  using db = new DatabaseSync(join(site.data, "record.sqlite"), { readOnly: true, timeout: 5_000 });
  const around = { site, identity, clock: clockOf(clock), store: { read: db } };
  const facts = receiptFacts(around, { id, member, language });
  if (!facts) throw new FieldwattError("OPTION_INVALID", `${member} has no consent with the number ${id}`);
  return receiptText(facts, format, identity.keys);
}
