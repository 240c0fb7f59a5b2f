import type { DatabaseSync } from "node:sqlite";
import { instant, type Instant } from "../../domain/model/index.ts";
import {
  erasureAnswer,
  erasureRequest,
  type ErasureAnswer,
  type ErasureRequest,
} from "../../protocol/erasure.ts";

/** What recipients were asked to delete, and what they said. */
export interface Asked {
  readonly id: number;
  readonly member: string;
  readonly offer: string;
  readonly recipient: string;
  readonly asked: Instant;
  readonly request: ErasureRequest;
  /** Absent while nobody has answered. */
  readonly answered?: { readonly at: Instant; readonly answer: ErasureAnswer };
}

const DAY_MS = 86_400_000;

/** Of one member, newest first. */
export function askedFor(
  db: DatabaseSync,
  { member, limit }: { readonly member: string; readonly limit: number },
): Asked[] {
  return db
    .prepare("SELECT * FROM erasure WHERE member = ? ORDER BY id DESC LIMIT ?")
    .all(member, limit)
    .map(askedOf);
}

/** The oldest request that has no answer; undefined where all have one. */
export function openRequest(db: DatabaseSync): Asked | undefined {
  const row = db.prepare("SELECT * FROM erasure WHERE answer IS NULL ORDER BY id LIMIT 1").get();
  return row && askedOf(row);
}

/** How many requests have no answer. */
export const openRequests = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT count(*) AS n FROM erasure WHERE answer IS NULL").get()?.n);

export const requestWith = (db: DatabaseSync, digest: string): Asked | undefined => {
  const row = db.prepare("SELECT * FROM erasure WHERE digest = ?").get(digest);
  return row && askedOf(row);
};

function askedOf(row: Record<string, unknown>): Asked {
  const { id, member, offer, recipient, asked, request, answer, answered } = row;
  return {
    ...{ id: Number(id), member: String(member), offer: String(offer), recipient: String(recipient) },
    asked: instant(Number(asked)),
    request: erasureRequest.parse(JSON.parse(String(request))),
    ...(answer !== null && {
      answered: {
        at: instant(Number(answered)),
        answer: erasureAnswer.parse(JSON.parse(String(answer))),
      },
    }),
  };
}

export interface Patience {
  readonly now: number;
  /** Days that a recipient has to answer; the site file says how many. */
  readonly days: number;
}

/** A recipient that has not answered in time: nothing more is released to it, and nothing sent, until it does. */
export interface Suspended {
  readonly recipient: string;
  /** When the oldest request without an answer was made. */
  readonly asked: Instant;
  readonly requests: number;
}

export function suspendedRecipients(db: DatabaseSync, { now, days }: Patience): Suspended[] {
  const sql = `SELECT recipient, min(asked) AS asked, count(*) AS requests FROM erasure
    WHERE answer IS NULL AND asked <= ? GROUP BY recipient ORDER BY recipient`;
  return db
    .prepare(sql)
    .all(now - days * DAY_MS)
    .map(({ recipient, asked, requests }) => ({
      ...{ recipient: String(recipient), asked: instant(Number(asked)), requests: Number(requests) },
    }));
}

/** Whether somebody was asked to delete this release: then nothing corrects it any more. */
export const isErased = (db: DatabaseSync, release: number): boolean =>
  db.prepare("SELECT 1 FROM erasure_release WHERE release = ?").get(release) !== undefined;
