import { readFile } from "node:fs/promises";
import { FieldwattError, messageOf, type ErrorCode } from "../domain/model/index.ts";

/** @throws FieldwattError with `unreadable` when there is no such file or it may not be read */
export async function readTextFile(file: string, unreadable: ErrorCode): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new FieldwattError(unreadable, `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
