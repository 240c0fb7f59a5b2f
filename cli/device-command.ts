import { FieldwattError } from "../domain/model/index.ts";
import { loadCatalogue, type Catalogue } from "../drivers/index.ts";

/** Where a command writes, and the exit code that it leaves. `process` is one. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown };
  exitCode?: number | string | null | undefined;
}

/** One clear line and exit code 1 for a known fault; anything else is ours and keeps its stack. */
export async function guard(terminal: Terminal, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof FieldwattError)) throw error;
    terminal.stderr.write(`fieldwatt: ${error.message}\n`);
    terminal.exitCode = 1;
  }
}

/** The device files of Fieldwatt, and those of a folder of one's own. */
export const openCatalogue = (folder: string | undefined): Promise<Catalogue> =>
  loadCatalogue(folder === undefined ? [] : [folder]);

export const invalidOption = (message: string, cause?: unknown): FieldwattError =>
  new FieldwattError("OPTION_INVALID", message, { cause });
