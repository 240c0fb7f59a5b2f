import type { DatabaseSync } from "node:sqlite";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { leafSchema } from "../../protocol/egress-leaf-schema.ts";
import { sha256Hex } from "../../protocol/keys.ts";
import { hashLeaf, type Hash } from "../../protocol/merkle.ts";
import { append, rootOf, type Nodes } from "../../protocol/merkle-tree.ts";
import type { NoteKey } from "../../protocol/note.ts";
import { lostReleases, presentLog } from "./restored.ts";

/**
 * The audit of what left: the tree is built anew from the releases on record, and held against the heads that were
 * signed, the receipts, what still waits, and the recipient's own signed list of what it received.
 */
export interface AuditInput {
  readonly db: DatabaseSync;
  readonly log: NoteKey;
  /** What the recipient says it holds: sequence → digest of the bytes. Absent: only the gateway's own side is audited. */
  readonly received?: ReadonlyMap<number, string>;
  /** When it said so: what it may not keep any more by then is not missed. */
  readonly listed?: number;
}

export type Finding =
  | { readonly kind: "leafMissing" | "leafChanged" | "receiptDiffers"; readonly sequence: number }
  | { readonly kind: "headWrong"; readonly size: number }
  | { readonly kind: "sentNotLogged"; readonly sequence: number; readonly digest: string }
  | { readonly kind: "receivedDiffers"; readonly sequence: number; readonly digest: string }
  | { readonly kind: "loggedNotSent" | "droppedYetReceived" | "erasedYetHeld"; readonly sequence: number };

export interface Audit {
  readonly releases: number;
  readonly heads: number;
  /** Logged, and still on its way. */
  readonly waiting: number;
  /** Logged, and taken back before it was delivered. */
  readonly dropped: number;
  /** Held by the recipient, and released before the record was restored from an older backup: not in this log. */
  readonly lostToRestore: number;
  readonly findings: readonly Finding[];
}

export function auditEgress({ db, log, received, listed = 0 }: AuditInput): Audit {
  const releases = releasesOf(db, listed);
  const tree = treeOf(releases);
  const heads = headsOf(db, log);
  const waiting = new Set(
    db
      .prepare("SELECT sequence FROM outbox")
      .all()
      .map((row) => Number(row.sequence)),
  );
  const lost = lostReleases(db);
  const isLost = (sequence: number): boolean =>
    lost.some(({ first, last }) => first <= sequence && sequence <= last);
  const known = new Map([...(received ?? [])].filter(([sequence]) => !isLost(sequence)));
  const findings = [
    ...releases.flatMap(releaseFindings),
    ...heads.flatMap((head) => headFindings(head, tree)),
    ...(received ? againstReceived(releases, waiting, known) : []),
  ];
  const dropped = releases.filter((release) => release.dropped).length;
  const lostToRestore = (received?.size ?? 0) - known.size;
  const counts = { releases: releases.length, heads: heads.length, waiting: waiting.size, dropped };
  return { ...counts, lostToRestore, findings };
}

interface LoggedHead {
  readonly size: number;
  readonly note: string;
  /** The log's key under the name that it had then. */
  readonly log: NoteKey;
}

function headsOf(db: DatabaseSync, log: NoteKey): LoggedHead[] {
  const present = presentLog(db, log);
  const sql = `SELECT size, note, NULL AS name FROM egress_head
    UNION ALL SELECT size, note, name FROM egress_ended ORDER BY size`;
  return db
    .prepare(sql)
    .all()
    .map(({ size, note, name }) => ({
      size: Number(size),
      note: String(note),
      log: name === null ? present : { ...log, name: String(name) },
    }));
}

interface LoggedRelease {
  readonly sequence: number;
  readonly digest: string;
  /** The leaf's text and hash on record; absent where there is none. */
  readonly leaf: string | undefined;
  readonly hash: string | undefined;
  readonly receipt: string | undefined;
  readonly dropped: boolean;
  /** Whether it was ever handed to the wire. */
  readonly tried: boolean;
  /** Whether its bytes are still here: who asked to be forgotten has only the leaf left. */
  readonly forgotten: boolean;
  /** Where the recipient was asked to delete it: whether it says that it did. */
  readonly erased: "asked" | "deleted" | undefined;
  /** The time is over for which the recipient may keep it. */
  readonly over: boolean;
}

function releasesOf(db: DatabaseSync, listed: number): LoggedRelease[] {
  const sql = `SELECT release.sequence, item, released, coalesce(text, item) AS leaf, hash, digest, tried, dropped.time AS dropped,
      outcome
    FROM release LEFT JOIN dropped ON dropped.sequence = release.sequence
    LEFT JOIN egress_leaf ON egress_leaf.release = release.sequence
    LEFT JOIN receipt ON receipt.sequence = release.sequence
    LEFT JOIN (SELECT release, min(coalesce(outcome, '')) AS outcome FROM erasure_release GROUP BY release) AS erased
      ON erased.release = release.sequence ORDER BY egress_leaf.leaf`;
  return db
    .prepare(sql)
    .all()
    .map((row) => ({
      sequence: Number(row.sequence),
      digest: row.item === "" ? digestIn(String(row.leaf)) : sha256Hex(String(row.item)),
      leaf: row.hash === null ? undefined : String(row.leaf),
      hash: row.hash === null ? undefined : String(row.hash),
      receipt: row.digest === null ? undefined : String(row.digest),
      dropped: row.dropped !== null,
      tried: row.tried !== null,
      forgotten: row.item === "",
      erased: erasedIn(row),
      over: retentionEnd(row) <= listed,
    }));
}

const DAY_MS = 86_400_000;

/** Until when the recipient keeps it, at the earliest; items that say nothing of it are kept for ever. */
function retentionEnd({ item, released }: Record<string, unknown>): number {
  const parsed = jsonOf(String(item)) as { readonly retentionDays?: number } | undefined;
  return Number(released) + (parsed?.retentionDays ?? Infinity) * DAY_MS;
}

/** What is part of a group's sum is not deleted, and said to be so. */
const erasedIn = ({ outcome }: Record<string, unknown>): LoggedRelease["erased"] => {
  if (outcome === null || outcome === "inseparable") return undefined;
  return outcome === "" ? "asked" : "deleted";
};

/** Of a release whose bytes are not here any more: the leaf tells their digest. */
function digestIn(leaf: string): string {
  const parsed = leafSchema.safeParse(jsonOf(leaf));
  return parsed.success ? parsed.data.digest : "";
}

function releaseFindings({ sequence, digest, leaf, hash, receipt, forgotten }: LoggedRelease): Finding[] {
  if (leaf === undefined) return [{ kind: "leafMissing", sequence }];
  // Older leaves are the bytes themselves, and gone with them: their hash in the tree is all that is left.
  if (forgotten && leaf === "") return [];
  const parsed = leafSchema.safeParse(jsonOf(leaf));
  const whole = hash === Buffer.from(hashLeaf(Buffer.from(leaf))).toString("hex");
  const findings: Finding[] = [];
  if (!whole || !parsed.success || parsed.data.digest !== digest)
    findings.push({ kind: "leafChanged", sequence });
  if (receipt !== undefined && receipt !== digest) findings.push({ kind: "receiptDiffers", sequence });
  return findings;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function treeOf(releases: readonly LoggedRelease[]): Nodes & { readonly size: number } {
  const kept = new Map<string, Hash>();
  const nodes: Nodes = {
    get(level, index) {
      const hash = kept.get(`${level}/${index}`);
      if (!hash) throw new RangeError(`the log has no node ${level}/${index}`);
      return hash;
    },
  };
  let size = 0;
  for (const { leaf, hash: known } of releases) {
    if (leaf === undefined) continue;
    const own = leaf === "" && known !== undefined ? Buffer.from(known, "hex") : hashLeaf(Buffer.from(leaf));
    for (const { level, index, hash } of append(nodes, size, own)) kept.set(`${level}/${index}`, hash);
    size++;
  }
  return { ...nodes, size };
}

function headFindings({ size, note, log }: LoggedHead, tree: Nodes & { readonly size: number }): Finding[] {
  try {
    const { checkpoint } = openCheckpoint(note, { log, witnesses: [] });
    const right =
      checkpoint.size === size &&
      size <= tree.size &&
      Buffer.compare(checkpoint.root, rootOf(tree, size)) === 0;
    return right ? [] : [{ kind: "headWrong", size }];
  } catch {
    return [{ kind: "headWrong", size }];
  }
}

function againstReceived(
  releases: readonly LoggedRelease[],
  waiting: ReadonlySet<number>,
  received: ReadonlyMap<number, string>,
): Finding[] {
  const logged = new Map(releases.map((release) => [release.sequence, release]));
  const notLogged = [...received].flatMap(([sequence, digest]): Finding[] => {
    const release = logged.get(sequence);
    if (!release) return [{ kind: "sentNotLogged", sequence, digest }];
    if (release.digest !== digest) return [{ kind: "receivedDiffers", sequence, digest }];
    if (release.erased === "deleted") return [{ kind: "erasedYetHeld", sequence }];
    // What was on its way when it was taken back may have arrived; what was never sent cannot have.
    return release.dropped && !release.tried ? [{ kind: "droppedYetReceived", sequence }] : [];
  });
  const notSent = releases
    .filter(
      ({ sequence, dropped, erased, over }) =>
        !received.has(sequence) && !waiting.has(sequence) && !dropped && !erased && !over,
    )
    .map(({ sequence }): Finding => ({ kind: "loggedNotSent", sequence }));
  return [...notLogged, ...notSent];
}
