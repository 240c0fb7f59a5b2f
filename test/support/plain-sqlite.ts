/**
 * What most programs do: a row and a commit for each reading in SQLite's WAL. Prints `kept <number>` after each commit.
 * Arguments: file, `NORMAL` or `FULL` for PRAGMA synchronous.
 */
import { writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const [path = "", synchronous = ""] = process.argv.slice(2);
/** More than any test waits for. */
const ROWS_MAX = 5_000_000;

const db = new DatabaseSync(path);
db.exec(
  `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; CREATE TABLE reading (value INTEGER)`,
);
const insert = db.prepare("INSERT INTO reading (value) VALUES (?)");
for (let number = 0; number < ROWS_MAX; number++) {
  insert.run(number);
  // Not process.stdout: it would keep the lines until this loop lets it write.
  writeSync(1, `kept ${number}\n`);
}
