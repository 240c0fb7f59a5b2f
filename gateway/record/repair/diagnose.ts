import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FieldwattError } from "../../../domain/model/index.ts";
import { RECORD_FILE } from "../reader.ts";
import { checkFile, verifyRecord, type Verified } from "./verify.ts";

/** What a record needs. */
export type Diagnosis =
  | { readonly kind: "whole" }
  /** Blocks, or commits of the journal. */
  | { readonly kind: "parts"; readonly found: Verified }
  /** SQLite cannot read the file in full; what it says. */
  | { readonly kind: "file"; readonly lines: readonly string[] };

/** Throws RECORD_FAILED where there is no record or a gateway must bring it forward first, RECORD_NEWER. */
export function diagnose(folder: string): Diagnosis {
  const path = join(folder, RECORD_FILE);
  if (!existsSync(path)) throw new FieldwattError("RECORD_FAILED", `There is no record in ${folder}.`);
  const lines = linesOf(path);
  if (lines.length > 0) return { kind: "file", lines };
  const found = verifyRecord(folder);
  const damaged = found.damagedBlocks.length + found.damagedFrames.length > 0;
  return damaged ? { kind: "parts", found } : { kind: "whole" };
}

function linesOf(path: string): string[] {
  const db = new DatabaseSync(path, { timeout: 5_000 });
  try {
    return checkFile(db);
  } finally {
    db.close();
  }
}
