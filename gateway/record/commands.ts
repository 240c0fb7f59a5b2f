import { answerCommands } from "../answers/commands.ts";
import { consentCommands } from "../release/consents.ts";
import { outboxCommands } from "../forward/commands.ts";
import { witnessCommands } from "../forward/witness-commands.ts";
import { flowCommands } from "../flows/commands.ts";
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
  ...outboxCommands,
  ...witnessCommands,
  ...answerCommands,
  ...timeCommands,
  ...sinkCommands,
  ...flowCommands,
};

export type Commands = typeof commands;
