import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { FailedAnswer } from "./messages.ts";
import type { Fault } from "./state.ts";

/** Names of errno, as Node gives them. EFBIG: a limit on the size of files is as good as a full disk. */
const OF_FILES: Readonly<Record<string, Fault>> = {
  ENOSPC: "disk full",
  EDQUOT: "disk full",
  EFBIG: "disk full",
  EROFS: "read-only",
  EACCES: "read-only",
  EPERM: "read-only",
  EIO: "input/output error",
};

/** SQLite's result codes, the low byte of the extended ones (sqlite.org/rescode.html). */
const SQLITE_CONSTRAINT = 19;
const OF_SQLITE: Readonly<Record<number, Fault>> = {
  8: "read-only",
  10: "input/output error",
  11: "damaged",
  13: "disk full",
  26: "damaged",
};

/** What kind of fault of the disk this is; undefined where the input is at fault. */
export function faultOf(error: unknown): Fault | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("errcode" in error) {
    const code = Number(error.errcode) & 0xff;
    return code === SQLITE_CONSTRAINT ? undefined : (OF_SQLITE[code] ?? "other");
  }
  if ("errno" in error && "code" in error) return OF_FILES[String(error.code)] ?? "other";
  return undefined;
}

export function failure(error: unknown): FailedAnswer {
  if (error instanceof FieldwattError) return { kind: "failed", code: error.code, message: error.message };
  const fault = faultOf(error);
  const because = fault === undefined || fault === "other" ? "" : `${fault}: `;
  const message = `The record could not commit: ${because}${messageOf(error)}`;
  return { kind: "failed", code: "RECORD_FAILED", message, ...(fault && { fault }) };
}
