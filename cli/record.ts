import { Command } from "commander";
import { backupCheckCommand, backupCommand, restoreCommand } from "./record-backup.ts";
import { exportCommand } from "./record-export.ts";
import { repairCommand } from "./record-repair.ts";
import { verifyCommand } from "./record-verify.ts";

/** `fieldwatt record …`: the care of the village's memory. */
export function recordCommand(): Command {
  return new Command("record")
    .description("check, repair, back up, restore and export the record")
    .addCommand(verifyCommand())
    .addCommand(repairCommand())
    .addCommand(backupCommand())
    .addCommand(backupCheckCommand())
    .addCommand(restoreCommand())
    .addCommand(exportCommand());
}
