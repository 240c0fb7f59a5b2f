import type { DatabaseSync } from "node:sqlite";
import type { ToldAnswer } from "../../protocol/messages.ts";

export interface ReceivedAnswer {
  readonly sequence: number;
  readonly received: number;
  readonly answer: ToldAnswer;
}

const keyOf = (answer: Exclude<ToldAnswer, { kind: "forgotten" }>): string =>
  answer.kind === "clearing" ? String(answer.slot) : answer.day;

export const answerCommands = {
  /** Keeps answers once each; the member is found by the pseudonym under which the summary left. */
  saveAnswers(db: DatabaseSync, answers: readonly ReceivedAnswer[]): void {
    const member = db.prepare("SELECT member FROM release WHERE subject = ? LIMIT 1");
    const insert = db.prepare(
      "INSERT OR IGNORE INTO answer (sequence, kind, member, key, received, answer) VALUES (?, ?, ?, ?, ?, ?)",
    );
    for (const { sequence, received, answer } of answers) {
      const forgotten = answer.kind === "forgotten";
      const owner = forgotten ? undefined : member.get(answer.subject)?.member;
      insert.run(
        sequence,
        answer.kind,
        owner === undefined ? null : String(owner),
        forgotten ? "" : keyOf(answer),
        received,
        JSON.stringify(answer),
      );
    }
  },
};

/** The last answer up to which nothing is missing: what the hub may forget. */
export function answersThrough(db: DatabaseSync): number {
  const sql = "SELECT count(*) AS kept, coalesce(max(sequence), 0) AS last FROM answer";
  const { kept, last } = db.prepare(sql).get() as { kept: number; last: number };
  if (kept === last) return last;
  const gap =
    "SELECT min(sequence) AS firstMissing FROM (SELECT sequence + 1 AS sequence FROM answer UNION SELECT 1) WHERE sequence NOT IN (SELECT sequence FROM answer)";
  return Number(db.prepare(gap).get()?.firstMissing) - 1;
}
