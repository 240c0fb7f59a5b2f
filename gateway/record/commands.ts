import { answerCommands } from "../answers/commands.ts";
import { collectiveCommands } from "../release/collective-commands.ts";
import { consentCommands } from "../release/consent-commands.ts";
import { mandateCommands } from "../release/mandates.ts";
import type { governanceCommands } from "../governance/commands.ts";
import { erasureCommands } from "../erasure/commands.ts";
import { forgetCommands } from "../erasure/forget-commands.ts";
import { outboxCommands } from "../forward/commands.ts";
import { witnessCommands } from "../forward/witness-commands.ts";
import { flowCommands } from "../flows/commands.ts";
import { memberAlertCommands } from "../flows/member-alerts.ts";
import { sinkCommands } from "../sinks/commands.ts";
import { releaseCommands } from "../release/commands.ts";
import { summaryCommands } from "../summarise/commands.ts";
import { upkeepCommands } from "./upkeep-commands.ts";
import { timeCommands } from "../time/commands.ts";

/**
 * Every write that the gateway knows, by name. They run in the writer's thread, each in one transaction; a stage
 * keeps its own beside its code. A command is a plain function of the database and one cloneable value.
 */
export const commands = {
  ...upkeepCommands,
  ...summaryCommands,
  ...releaseCommands,
  ...consentCommands,
  ...collectiveCommands,
  ...mandateCommands,
  ...outboxCommands,
  ...witnessCommands,
  ...answerCommands,
  ...erasureCommands,
  ...forgetCommands,
  ...timeCommands,
  ...sinkCommands,
  ...flowCommands,
  ...memberAlertCommands,
};

/** Loaded when the first of them is run: they read what people wrote, with zod, and a co-op votes a few times a year. */
export const rareCommands = async (): Promise<typeof governanceCommands> =>
  (await import("../governance/commands.ts")).governanceCommands;

export type Commands = typeof commands & typeof governanceCommands;
