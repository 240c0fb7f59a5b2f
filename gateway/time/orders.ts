import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { writeNewSecretFile } from "../../platform/secret-file.ts";
import type { ClockOrder } from "./order.ts";

/**
 * What a person says about the time, on the command line: a file in the data folder that the running gateway takes
 * within seconds, so that nobody but the gateway writes to the record.
 */
const fileIn = (folder: string): string => join(folder, "clock-order.json");

/** @throws FieldwattError CLOCK_REFUSED where an order waits already, FOLDER_UNWRITABLE */
export async function giveOrder(folder: string, order: ClockOrder): Promise<void> {
  try {
    await writeNewSecretFile(fileIn(folder), JSON.stringify(order));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new FieldwattError(
        "CLOCK_REFUSED",
        `An order waits in ${fileIn(folder)}: is the gateway running?`,
      );
    throw new FieldwattError("FOLDER_UNWRITABLE", `${fileIn(folder)}: ${messageOf(error)}`);
  }
}

/** The order that waits, or undefined; a file that is no order is taken away and named. */
export async function waitingOrder(folder: string): Promise<ClockOrder | undefined> {
  let text: string;
  try {
    text = await readFile(fileIn(folder), "utf8");
  } catch {
    return undefined;
  }
  // Loaded when somebody says something.
  const { orderSchema } = await import("./order.ts");
  const parsed = orderSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  await doneWithOrder(folder);
  throw new FieldwattError(
    "CLOCK_REFUSED",
    `${fileIn(folder)} was no order: ${parsed.error.issues[0]?.message}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const doneWithOrder = (folder: string): Promise<void> => rm(fileIn(folder), { force: true });
