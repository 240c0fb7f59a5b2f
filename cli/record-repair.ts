import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { FieldwattError, instant, toIso, type Instant } from "../domain/model/index.ts";
import { lockFolder } from "../gateway/record/lock.ts";
import { journalFolder } from "../gateway/record/open.ts";
import { RECORD_FILE } from "../gateway/record/reader.ts";
import { diagnose, type Diagnosis } from "../gateway/record/repair/diagnose.ts";
import { packJournal, quarantineDamaged } from "../gateway/record/repair/repair.ts";
import { salvage, type Salvaged } from "../gateway/record/repair/salvage.ts";
import type { DamagedBlock, DamagedFrames } from "../gateway/record/repair/verify.ts";
import { openForWriting } from "../gateway/record/sqlite.ts";
import { loadSite } from "../gateway/site/load.ts";
import { wordsOfBlock, wordsOfFrames } from "./record-verify.ts";

/** `record repair`: the gateway must not run. Nothing is thrown away: what is damaged stays beside the record. */
export function repairCommand(): Command {
  return new Command("repair")
    .description("take out of the record what cannot be read, and list exactly what was lost")
    .requiredOption("--site <file>", "the site file")
    .option("--yes", "do it without asking")
    .option("--json", "print what was lost as JSON")
    .addHelpText(
      "after",
      "\nThe gateway must not run. What is damaged is kept aside, for a better tool or a backup.\n\nExample:\n  fieldwatt record repair --site site.yaml",
    )
    .action(async ({ site: file, ...how }: { site: string; yes?: true; json?: true }) => {
      const { data } = await loadSite(file);
      using _ = lockFolder(journalFolder(join(data, RECORD_FILE)));
      const diagnosis = diagnose(data);
      const say = (lines: readonly string[]): void =>
        (how.json ? console.error : console.log)(lines.join("\n"));
      if (diagnosis.kind === "whole") return say(["Nothing is damaged: there is nothing to repair."]);
      say(planOf(diagnosis));
      if (how.yes !== true && !(await agreed())) return say(["Nothing was changed."]);
      const lost = repair(data, diagnosis, instant(Date.now()));
      const list = join(data, `repaired-${lost.repaired.replaceAll(":", "-")}.json`);
      writeFileSync(list, JSON.stringify(lost, null, 2));
      if (how.json) console.log(JSON.stringify(lost, null, 2));
      else say([...wordsOf(lost), `This list is also in ${list}.`]);
    });
}

/** What the repair cost. */
interface Lost {
  readonly repaired: string;
  readonly blocks: readonly DamagedBlock[];
  readonly frames: readonly DamagedFrames[];
  readonly tables: readonly Salvaged["tables"][number][];
  /** Where the damaged parts lie now. */
  readonly kept: readonly string[];
}

function planOf(diagnosis: Exclude<Diagnosis, { kind: "whole" }>): string[] {
  if (diagnosis.kind === "file")
    return [
      ...diagnosis.lines.map((line) => `The file: ${line}`),
      "All that can be read goes into a new file, and what cannot is listed then; the damaged file is kept beside it.",
    ];
  const { damagedBlocks, damagedFrames } = diagnosis.found;
  return [
    "These will be taken out of the record; they are lost already, and are kept aside as they are:",
    ...damagedBlocks.map(wordsOfBlock),
    ...damagedFrames.map(wordsOfFrames),
  ];
}

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new FieldwattError("OPTION_INVALID", "Add --yes, or run this in a terminal. Nothing was changed.");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question("Repair now? (yes/no) ")).trim());
  } finally {
    lines.close();
  }
}

function repair(data: string, diagnosis: Exclude<Diagnosis, { kind: "whole" }>, now: Instant): Lost {
  const path = join(data, RECORD_FILE);
  const frames = diagnosis.kind === "parts" ? diagnosis.found.damagedFrames : [];
  const journal = frames.length > 0 ? [keepJournal(data, now)] : [];
  const saved = diagnosis.kind === "file" ? salvage(path) : undefined;
  using db = openForWriting(path);
  const blocks = quarantineDamaged(db, now);
  if (frames.length > 0) packJournal(db, journalFolder(path));
  const tables = saved?.tables.filter(({ lost }) => lost.length > 0) ?? [];
  const aside = blocks.length > 0 ? [`${path}, table quarantine`] : [];
  const kept = [...(saved ? [saved.kept] : []), ...aside, ...journal];
  return { repaired: toIso(now), blocks, frames, tables, kept };
}

/** The journal as it is. */
function keepJournal(data: string, now: Instant): string {
  const kept = join(data, `journal-damaged-${toIso(now).replaceAll(":", "-")}`);
  if (!existsSync(kept)) cpSync(journalFolder(join(data, RECORD_FILE)), kept, { recursive: true });
  return kept;
}

function wordsOf({ blocks, frames, tables, kept }: Lost): string[] {
  const readings = blocks.reduce((sum, block) => sum + block.readings, 0);
  return [
    tables.length > 0 && blocks.length === 0
      ? "Repaired. Lost of the file:"
      : `Repaired. Lost: ${readings} readings in ${blocks.length} blocks.`,
    ...blocks.map(wordsOfBlock),
    ...frames.map(wordsOfFrames),
    ...tables.map(({ table, rows, lost }) => `Table ${table}: ${rows} rows kept, lost: ${lost.join(", ")}.`),
    ...kept.map((place) => `The damaged part is kept in ${place}.`),
  ];
}
