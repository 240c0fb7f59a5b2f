import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { instant } from "../domain/model/index.ts";
import { makeBackup } from "../gateway/backup/backup.ts";
import type { Manifest } from "../gateway/backup/archive.ts";
import { checkBackup, restoreBackup } from "../gateway/backup/restore.ts";
import { sourcesOf } from "../gateway/backup/sources.ts";
import { loadSite } from "../gateway/site/load.ts";
import { stopSignal } from "./command-line.ts";
import { askPassphrase } from "./passphrase.ts";

interface Secret {
  readonly passphraseFile?: string;
}

const passphraseOption = [
  "--passphrase-file <file>",
  "a file whose first line is the passphrase; asked otherwise",
] as const;

interface Backing extends Secret {
  readonly site: string;
  readonly to: string;
  readonly work?: string;
}

/** `record backup`: the gateway may run meanwhile. */
export function backupCommand(): Command {
  return new Command("backup")
    .description("seal record, keys, accounts and site file into one file; goes on where it was interrupted")
    .requiredOption("--site <file>", "the site file")
    .requiredOption("--to <file>", "the backup to write, for example on a mounted stick")
    .option("--work <folder>", "where the unsealed copy lies meanwhile (default: the data folder)")
    .option(...passphraseOption)
    .addHelpText(
      "after",
      "\nExample:\n  fieldwatt record backup --site site.yaml --to /media/stick/kilimani.backup",
    )
    .action(async ({ site: file, to, work, passphraseFile }: Backing) => {
      const sources = sourcesOf(await loadSite(file));
      const passphrase = await askPassphrase({ ...fileOf(passphraseFile), twice: true });
      const done = await makeBackup({
        ...{ sources, target: to, passphrase, entropy: randomBytes, now: instant(Date.now()) },
        ...(work !== undefined && { work }),
        ...{ signal: stopSignal(), onProgress: progressLine("sealed") },
      });
      if (done.resumedFrom > 0)
        console.log(`Went on behind ${megabytes(done.resumedFrom)} that were there already.`);
      console.log(`${done.file}: ${done.files} files, ${megabytes(done.bytes)}.`);
      console.log(
        "Without its passphrase nobody can open it, you neither: keep it somewhere else than the stick.",
      );
    });
}

export function backupCheckCommand(): Command {
  return new Command("backup-check")
    .description("open every part of a backup and tell what it holds, without restoring it")
    .argument("<file>", "the backup")
    .option(...passphraseOption)
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  fieldwatt record backup-check /media/stick/kilimani.backup")
    .action(async (file: string, { passphraseFile, json }: Secret & { json?: true }) => {
      const passphrase = await askPassphrase({ ...fileOf(passphraseFile), twice: false });
      const manifest = await checkBackup({
        file,
        passphrase,
        signal: stopSignal(),
        onProgress: progressLine("checked"),
      });
      console.log(json ? JSON.stringify(manifest, null, 2) : contents(manifest));
    });
}

interface Restoring extends Secret {
  readonly into: string;
  readonly keepConsents?: true;
}

export function restoreCommand(): Command {
  return new Command("restore")
    .description("open a backup into a new folder")
    .argument("<file>", "the backup")
    .requiredOption("--into <folder>", "a folder that is not there yet, or is empty")
    .option(...passphraseOption)
    .option("--keep-consents", "no member can have taken a yes back since the backup was made")
    .addHelpText(
      "after",
      "\nA backup does not know what it was not told: members say yes again, and nothing is released before the hub has said what it holds.\n\nExample:\n  fieldwatt record restore /media/stick/kilimani.backup --into restored",
    )
    .action(async (file: string, { into, passphraseFile, keepConsents }: Restoring) => {
      const passphrase = await askPassphrase({ ...fileOf(passphraseFile), twice: false });
      const onProgress = progressLine("restored");
      const how = {
        keepConsents: keepConsents === true,
        now: instant(Date.now()),
        signal: stopSignal(),
        onProgress,
      };
      const { manifest, consentsEnded } = await restoreBackup({ file, into, passphrase, ...how });
      console.log(contents(manifest));
      console.log(`Now in ${into}: site/ is the site file and what it names, data/ is for its "data:".`);
      if (consentsEnded > 0)
        console.log(
          `${consentsEnded} consents were ended: one may have been taken back since. Ask the members again.`,
        );
      console.log(
        "Never run the old gateway and this one at the same time: they are one and the same to the hub.",
      );
    });
}

const fileOf = (file: string | undefined) => (file === undefined ? {} : { file });
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const contents = ({ site, made, files }: Manifest): string =>
  [
    `Backup of ${site}, made ${made}:`,
    ...files.map(({ path, bytes }) => `  ${path}  ${megabytes(bytes)}`),
  ].join("\n");

/** One line that is written over, on a terminal only. */
function progressLine(done: string): (progress: { readonly bytes: number; readonly of: number }) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return ({ bytes, of }) => {
    process.stderr.write(`\r${done} ${megabytes(bytes)} of ${megabytes(of)}${bytes >= of ? "\n" : ""}`);
  };
}
