import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Command } from "commander";
import { instant, toIso } from "../domain/model/index.ts";
import { progressOf } from "../gateway/record/progress.ts";
import { auditEgress, type Audit, type Finding } from "../gateway/release/audit.ts";
import { logSigner } from "../gateway/release/egress-log.ts";
import { openIdentity } from "../gateway/site/identity.ts";
import { loadSite } from "../gateway/site/load.ts";
import { randomBytes } from "node:crypto";

/** `egress audit`: the gateway may run meanwhile. */
export function auditCommand(): Command {
  return new Command("audit")
    .description("rebuild the log of what left, and compare it with what the hub says that it received")
    .requiredOption("--site <file>", "the site file")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nThe hub's signed list comes once a day; the audit says how old it is. Exits with 1 when something does not agree.\n\nExample:\n  fieldwatt egress audit --site site.yaml",
    )
    .action(async ({ site: file, json }: { site: string; json?: true }) => {
      const site = await loadSite(file);
      const { keys } = await openIdentity(site.data, randomBytes);
      using db = new DatabaseSync(join(site.data, "record.sqlite"), { readOnly: true, timeout: 5_000 });
      const listed = progressOf(db, "held listed");
      const audit = auditEgress({
        ...{ db, log: logSigner(site.id, keys) },
        ...(listed !== undefined && { received: heldOf(db), listed }),
      });
      if (json)
        console.log(
          JSON.stringify({ ...audit, listed: listed === undefined ? null : toIso(listed) }, null, 2),
        );
      else console.log(wordsOf(audit, listed).join("\n"));
      if (audit.findings.length > 0) process.exitCode = 1;
    });
}

const heldOf = (db: DatabaseSync): Map<number, string> =>
  new Map(
    db
      .prepare("SELECT sequence, digest FROM hub_held")
      .all()
      .map((row) => [Number(row.sequence), String(row.digest)]),
  );

function wordsOf(
  { releases, heads, waiting, dropped, lostToRestore, findings }: Audit,
  listed: number | undefined,
): string[] {
  const list =
    listed === undefined
      ? "The hub has not sent its list yet: only this gateway's own side was audited."
      : `The hub's list is of ${toIso(instant(listed))}.`;
  return [
    `${releases} releases in the log, ${heads} signed heads; ${waiting} wait for the hub, ${dropped} were dropped before they were delivered.`,
    list,
    ...(lostToRestore > 0
      ? [
          `${lostToRestore} more are with the hub, from before the record was restored: their proofs are in the log that ended then.`,
        ]
      : []),
    ...(findings.length === 0 ? ["Everything agrees."] : findings.map(wordsOfFinding)),
  ];
}

function wordsOfFinding(finding: Finding): string {
  switch (finding.kind) {
    case "leafMissing":
      return `Release ${finding.sequence} is not in the log.`;
    case "leafChanged":
      return `Release ${finding.sequence}: its bytes or its leaf were changed after it left.`;
    case "receiptDiffers":
      return `Release ${finding.sequence}: the hub's receipt is for other bytes.`;
    case "headWrong":
      return `The signed head over ${finding.size} releases is not that of the releases on record.`;
    case "sentNotLogged":
      return `The hub holds ${finding.sequence} (${finding.digest}), which is not in the log: it was sent past the log.`;
    case "receivedDiffers":
      return `Release ${finding.sequence}: the hub holds other bytes (${finding.digest}).`;
    case "droppedYetReceived":
      return `Release ${finding.sequence} was dropped before it was ever sent, and the hub holds it.`;
    case "erasedYetHeld":
      return `Release ${finding.sequence}: the hub signed that it deleted it, and still holds it.`;
    case "loggedNotSent":
      return `Release ${finding.sequence} is in the log, does not wait, and the hub does not have it.`;
  }
}
