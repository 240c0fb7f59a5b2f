import { Command } from "commander";
import {
  verifyRecord,
  type DamagedBlock,
  type DamagedFrames,
  type Verified,
} from "../gateway/record/repair/verify.ts";
import { loadSite } from "../gateway/site/load.ts";

/** `record verify`: the gateway may run meanwhile. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description("read all that the record holds, and tell what is damaged")
    .requiredOption("--site <file>", "the site file")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExits with 0 when all is in order, with 1 when something is damaged or the record cannot be read.\n\nExample:\n  fieldwatt record verify --site site.yaml",
    )
    .action(async ({ site: file, json }: { site: string; json?: true }) => {
      const site = await loadSite(file);
      const found = verifyRecord(site.data, progressLine);
      const ok = isWhole(found);
      if (json) console.log(JSON.stringify({ ok, ...found }, null, 2));
      else console.log(wordsOf(found).join("\n"));
      if (ok) return;
      process.exitCode = 1;
      if (!json) console.log(`Stop the gateway, then: fieldwatt record repair --site ${file}`);
    });
}

export const isWhole = ({ damagedBlocks, damagedFrames, file }: Verified): boolean =>
  damagedBlocks.length + damagedFrames.length + file.length === 0;

/** One line that is written over, on a terminal only. */
function progressLine({ blocks, of }: { readonly blocks: number; readonly of: number }): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\rread ${blocks} of ${of} blocks${blocks >= of ? "\n" : ""}`);
}

export function wordsOf(found: Verified): string[] {
  const { blocks, readings, frames, damagedBlocks, damagedFrames, lostBefore, file } = found;
  return [
    `${readings} readings can be read: in ${blocks - damagedBlocks.length} blocks, and in ${frames} commits of the journal.`,
    ...(isWhole(found) ? ["Everything is in order."] : []),
    ...file.map((line) => `The file: ${line}`),
    ...damagedBlocks.map(wordsOfBlock),
    ...damagedFrames.map(wordsOfFrames),
    ...lostBefore.map((frames) => `Lost before, nothing is left to repair: ${wordsOfFrames(frames)}`),
  ];
}

export const wordsOfBlock = ({
  block,
  device,
  first,
  last,
  readings,
  streams,
  because,
}: DamagedBlock): string =>
  `Block ${block}, ${device}, ${first} to ${last}: ${readings} readings of ${streams.join(", ")}. ${because}`;

export function wordsOfFrames({ from, to, after, before }: DamagedFrames): string {
  const which = from === to ? `Commit ${from}` : `Commits ${from} to ${to}`;
  return `${which} of the journal cannot be read: they came between ${after ?? "the last packing"} and ${before ?? "now"}.`;
}
