import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { instant } from "../domain/model/index.ts";
import { openNodeDesk, type OwnNodeDesk } from "../drivers/field-link/desk.ts";
import { openNodeBook, type NodeBook } from "../drivers/index.ts";
import { loadSite } from "../gateway/site/load.ts";
import { wholeNumber } from "./command-line.ts";

export const DEFAULT_SITE = "site.yaml";
export const FIELD_LINK_BAUD = 38_400;
export const NUMBER_MAX = 2 ** 32 - 1;

/** The book of the site's gateway. Throws SITE_FILE_UNREADABLE, SITE_FILE_INVALID. */
export const bookOf = async (site: string): Promise<NodeBook> => openNodeBook((await loadSite(site)).data);

export interface LineOptions {
  readonly site: string;
  readonly line: string;
  readonly baud: number;
}

/** The options of a command that speaks to a node itself. */
export const withLine = (command: Command): Command =>
  command
    .option("--site <file>", "the site file", DEFAULT_SITE)
    .requiredOption("--line <path>", "the serial port, for example /dev/ttyUSB0")
    .option("--baud <rate>", "its rate", wholeNumber({ from: 300, to: 1_000_000 }), FIELD_LINK_BAUD);

export const openLine = ({ line, baud }: LineOptions, signal: AbortSignal): Promise<OwnNodeDesk> =>
  openNodeDesk({
    path: line,
    baudRate: baud,
    entropy: (bytes) => randomBytes(bytes),
    now: () => instant(Date.now()),
    signal,
  });
