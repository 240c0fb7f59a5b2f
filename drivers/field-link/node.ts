import { FieldwattError, instant, type Instant } from "../../domain/model/index.ts";
import { joined, type Decoded, type Problem } from "../driver.ts";
import type { NodeBook, NodeEntry } from "./book.ts";
import { SAID_MAX } from "./said.ts";
import { decodePack, withOrigin } from "./decode.ts";
import type { NodeDialect } from "./dialect.ts";
import { backlogOf, keptOf, tickOf, type Backlog, type Kept } from "./messages.ts";
import type { Conversation, Talk } from "./talk.ts";
import { dated, forUnknownStart, pruned, withPair, type TickLine, type TickPair } from "./tick-line.ts";

/** What one reading of a node gives. `through` may be acknowledged when all of it is durable. */
export interface NodeTurn {
  readonly decoded: Decoded;
  readonly entry: NodeEntry;
  readonly through: number;
  /** What it said of itself; in the entry already. */
  readonly events: readonly NodeSaid[];
}
type NodeSaid = NodeEntry["said"][number];

/** A pair from a slower answer says too little about the time. */
const ROUND_TRIP_MAX_MS = 400;
const PAIR_TRIES = 3;
/** The ring of a node has at most 255 slots: one turn empties it. */
const KEPT_MAX = 256;
/** Samples beyond the last one that the lines in the book may date, so that it need not be written each time. */
const LEASE = 16;

interface Reading {
  readonly talk: Talk;
  readonly conversation: Conversation;
  readonly book: NodeBook;
  readonly now: () => Instant;
  /** The last sample that this process has dated; undefined where that is another's. */
  readonly datedHere: number | undefined;
}

/** Reads all that waits in a node. Throws DEVICE_TIMEOUT, DEVICE_GARBLED, BUS_CLOSED, FOLDER_UNWRITABLE. */
export async function readNode(entry: NodeEntry, dialect: NodeDialect, reading: Reading): Promise<NodeTurn> {
  const pair = await pairOf(reading);
  const backlog = backlogOf(await ask(reading, "ACK", [0]));
  // A node that counts from the beginning again has lost its memory, not its samples.
  const isNew = backlog.newest < entry.through;
  const before = isNew ? { ...entry, through: 0, datedThrough: 0, lines: [] } : entry;
  if (backlog.oldest <= before.through) await ask(reading, "ACK", [before.through]);
  const kept = await keptSince(before.through + 1, backlog, reading);
  const after = await datable(before, { kept, pair }, reading);
  const pieces = kept.map((one) => decodedOf(one, dialect, after));
  // Another process may have taken what comes before.
  const known = reading.datedHere !== undefined && !isNew;
  const gaps = gapsIn(kept, known ? before.through + 1 : backlog.oldest, backlog);
  const through = Math.max(before.through, ...kept.map(({ sequence }) => sequence));
  const decoded = joined([...pieces, { samples: [], problems: gaps }]);
  const events = eventsOf(after, kept);
  const said = [...after.said, ...events].slice(-SAID_MAX);
  return { decoded, through, events, entry: { ...after, said } };
}

const ask = async ({ talk, conversation }: Reading, type: "TIME" | "ACK" | "BACKLOG", body: number[]) => {
  const expects = { TIME: ["TIME"], ACK: ["BACKLOG"], BACKLOG: ["SAMPLE", "EVENT", "BACKLOG"] } as const;
  const question = { type, body, expects: expects[type] };
  return (await talk.ask(conversation.node, question, conversation.signature)).frame;
};

/** The node's ticks and the time at one moment. Throws DEVICE_TIMEOUT where no answer was quick enough. */
async function pairOf({ talk, conversation, now }: Reading): Promise<TickPair> {
  for (let attempt = 0; attempt < PAIR_TRIES; attempt++) {
    const question = { type: "TIME", body: [0], expects: ["TIME"] } as const;
    const { frame, roundTrip } = await talk.ask(conversation.node, question, conversation.signature);
    if (roundTrip > ROUND_TRIP_MAX_MS) continue;
    const uncertainty = Math.ceil(roundTrip / 2);
    return { boot: conversation.boot, tick: tickOf(frame), time: instant(now() - uncertainty), uncertainty };
  }
  const slow = `node ${conversation.node} takes longer than ${ROUND_TRIP_MAX_MS} ms to tell its ticks`;
  throw new FieldwattError("DEVICE_TIMEOUT", slow);
}

async function keptSince(first: number, { newest }: Backlog, reading: Reading): Promise<Kept[]> {
  const found: Kept[] = [];
  let from = first;
  while (from <= newest && found.length < KEPT_MAX) {
    const frame = await ask(reading, "BACKLOG", [from]);
    if (frame.type === "BACKLOG") break;
    const kept = keptOf(frame);
    // It answers with what it has from there on; anything else would go round for ever.
    if (kept.sequence < from) break;
    found.push(kept);
    from = kept.sequence + 1;
  }
  return found;
}

/** The entry with lines for all that came; in the book before anything is dated by a new one. */
async function datable(
  entry: NodeEntry,
  { kept, pair }: { readonly kept: readonly Kept[]; readonly pair: TickPair },
  { book, datedHere = entry.datedThrough }: Reading,
): Promise<NodeEntry> {
  let lines: readonly TickLine[] = withPair(entry.lines, pair, datedHere + 1);
  const lastOfStart = new Map(kept.map((one) => [one.boot, one]));
  for (const { boot, tick } of [...lastOfStart.values()].toReversed())
    if (!lines.some((line) => line.boot === boot)) lines = forUnknownStart(lines, { boot, tick }) ?? lines;
  const last = Math.max(0, ...kept.map(({ sequence }) => sequence));
  if (lines === entry.lines && last <= entry.datedThrough) return entry;
  lines = pruned(lines, new Set(lastOfStart.keys()));
  const { number, through } = entry;
  const dates = { lines: [...lines], datedThrough: Math.max(entry.datedThrough, last + LEASE) };
  await book.change(number, (now) => ({ ...now, ...dates, through }));
  return { ...entry, ...dates };
}

function decodedOf(kept: Kept, dialect: NodeDialect, { lines }: NodeEntry): Decoded {
  if (kept.event) return { samples: [], problems: [] };
  const at = dated(lines, kept);
  if (at) return withOrigin(decodePack(dialect, kept.pack), { ...at, sequence: kept.sequence });
  const detail = `sample ${kept.sequence} is of start ${kept.boot}, of which no time is known; it is left out`;
  return { samples: [], problems: [{ code: "malformed", detail }] };
}

/** Numbers that are missing were never kept, or were lost to a torn write: the reader should know. */
function gapsIn(kept: readonly Kept[], first: number, { missed }: Backlog): Problem[] {
  const problems: Problem[] = [];
  let next = first;
  for (const { sequence } of kept) {
    if (sequence > next) problems.push(gap(`samples ${next} to ${sequence - 1} are missing`));
    next = sequence + 1;
  }
  if (missed > 0) problems.push(gap(`${missed} samples of this start found no room in the node`));
  return problems;
}

const gap = (detail: string): Problem => ({ code: "truncated", detail });

/** Without those that are in the book already: a node repeats itself until it is acknowledged. */
function eventsOf({ lines, said }: NodeEntry, kept: readonly Kept[]): NodeSaid[] {
  return kept.flatMap((one) => {
    const time = dated(lines, one)?.time;
    const { event } = one;
    if (!event || time === undefined) return [];
    const isKnown = said.some(({ sequence }) => sequence === one.sequence);
    return isKnown ? [] : [{ sequence: one.sequence, time, kind: event.kind, detail: String(event.detail) }];
  });
}
