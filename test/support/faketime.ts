import { globSync } from "node:fs";
import { writeFile } from "node:fs/promises";

/** Debian's libfaketime: the wall clock of a process is what a file says, its uptime stays the machine's. */
const [library] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1");

/** True, with one line on stderr, where there is no libfaketime; on a CI machine that is a fault. */
export function faketimeIsMissing(): boolean {
  if (library !== undefined) return false;
  if (process.env.CI) throw new Error("libfaketime is missing: apt-get install faketime");
  process.stderr.write("test of a wrong clock skipped: apt-get install faketime\n");
  return true;
}

/** What a process needs in its environment to read its wall clock from `file` (libfaketime's README, 4b to 4f). */
export const faketimeEnvironment = (file: string): Record<string, string> => ({
  LD_PRELOAD: library ?? "",
  FAKETIME_TIMESTAMP_FILE: file,
  FAKETIME_NO_CACHE: "1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  DONT_FAKE_MONOTONIC: "1",
  NO_FAKE_STAT: "1",
});

/** Sets the wall clock of every process that reads it from `file`: so many seconds beside the true one. */
export const setFaketime = (file: string, seconds: number): Promise<void> =>
  writeFile(file, `${seconds < 0 ? "" : "+"}${seconds}s\n`);
