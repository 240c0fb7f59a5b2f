import type { Clock } from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { BATCH_ITEMS_MAX, toldAnswer, type Answer, type AnswersBody } from "../../protocol/messages.ts";
import type { Queryable } from "../storage/index.ts";

/**
 * What the hub tells its gateways: numbered per gateway, written in the transaction of what they tell, and sent until
 * the gateway says in a batch that it has kept them.
 */

/** Adds answers for one gateway, in order. A transaction that writes to several gateways takes them in order of id. */
export async function addAnswers(tx: Queryable, gateway: string, answers: readonly Answer[]): Promise<void> {
  if (answers.length === 0) return;
  // The row's lock keeps two writers from giving one number twice.
  const [row] = await tx.query(
    "UPDATE gateway SET answers_written = answers_written + $2::bigint WHERE id = $1 RETURNING answers_written",
    [gateway, answers.length],
  );
  const first = Number(row?.answers_written) - answers.length + 1;
  const rows = answers.map((answer, index) => ({ sequence: first + index, answer: canonicalJson(answer) }));
  await tx.query(
    `INSERT INTO answer (gateway, sequence, answer)
     SELECT $1, sequence, answer FROM json_to_recordset($2::json) AS r (sequence bigint, answer text)`,
    [gateway, JSON.stringify(rows)],
  );
}

/** At most so many answers are under way to a gateway and not yet acknowledged. */
export const ANSWERS_UNDER_WAY_MAX = 5 * BATCH_ITEMS_MAX;
/** An answer that no batch has acknowledged is sent again after this long, in the world's time. */
const RESEND_AFTER_MS = 10_000;

export interface AnswerSender {
  /** Messages that are due to a gateway: what was not sent yet, and on a batch also what seems lost. */
  due(gateway: string, because: "batch" | "news"): Promise<readonly AnswersBody[]>;
}

interface UnderWay {
  readonly acknowledged: number;
  readonly through: number;
  /** When what is under way was sent, or when the gateway last acknowledged some of it. */
  readonly since: number;
}

/**
 * Remembers what was sent in this process only: after a restart everything that is not acknowledged is sent again, and
 * the gateway ignores what it has. For one gateway, one call at a time.
 */
export function openAnswerSender(storage: Queryable, clock: Clock): AnswerSender {
  const underWay = new Map<string, UnderWay>();
  return {
    async due(gateway, because) {
      const acknowledged = await acknowledgedBy(storage, gateway);
      const sent = underWay.get(gateway) ?? { acknowledged: 0, through: 0, since: 0 };
      const waiting = sent.through > acknowledged && sent.acknowledged === acknowledged;
      const lost = waiting && because === "batch" && clock.now() - sent.since > RESEND_AFTER_MS * clock.speed;
      const after = lost ? acknowledged : Math.max(acknowledged, sent.through);
      const answers = await answersOf(storage, gateway, {
        after,
        through: acknowledged + ANSWERS_UNDER_WAY_MAX,
      });
      const since = waiting && !lost ? sent.since : clock.now();
      underWay.set(gateway, { acknowledged, through: answers.at(-1)?.sequence ?? after, since });
      return pieces(answers, BATCH_ITEMS_MAX).map((piece) => ({ kind: "answers", answers: piece }));
    },
  };
}

async function answersOf(
  storage: Queryable,
  gateway: string,
  { after, through }: { readonly after: number; readonly through: number },
): Promise<AnswersBody["answers"]> {
  const rows = await storage.query(
    "SELECT sequence, answer FROM answer WHERE gateway = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence",
    [gateway, after, through],
  );
  return rows.map(({ sequence, answer }) => ({
    sequence: Number(sequence),
    answer: toldAnswer.parse(JSON.parse(String(answer))),
  }));
}

async function acknowledgedBy(storage: Queryable, gateway: string): Promise<number> {
  const [row] = await storage.query("SELECT answers_through FROM gateway WHERE id = $1", [gateway]);
  return Number(row?.answers_through ?? 0);
}

function pieces<T>(all: readonly T[], size: number): T[][] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, index) => all.slice(index * size, (index + 1) * size));
}
