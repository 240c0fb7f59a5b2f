import { FieldwattError } from "../../domain/model/index.ts";
import type { NodeBook, NodeEntry } from "./book.ts";
import type { NodeTurn } from "./node.ts";
import { SAID_MAX } from "./said.ts";

/**
 * How far this process has come with each node. The book on the disk need not follow each turn: a node knows by itself
 * what was acknowledged, and what it repeats is dated as before and ignored by the record. Another process may have
 * written to the book meanwhile (a new key, an update), so it is read each time.
 */
export interface Kept {
  /** Throws DEVICE_UNKNOWN where the node has no key here, KEY_INVALID. */
  find(number: number): Promise<NodeEntry>;
  /** The last sample that was dated here; undefined where none was. */
  datedHere(number: number): number | undefined;
  dated(turn: NodeTurn): void;
  /** All of the turn is durable. What the node said of itself is in the book before it may forget it. */
  keep(turn: NodeTurn): Promise<void>;
}

interface Progress {
  readonly key: string;
  readonly dated: number;
  readonly through: number;
}

export function openKept(book: NodeBook): Kept {
  const progress = new Map<number, Progress>();
  return {
    async find(number) {
      const entry = await book.find(number);
      if (!entry) {
        const what = `node ${number} has no key here: press its button and run fieldwatt node provision`;
        throw new FieldwattError("DEVICE_UNKNOWN", what);
      }
      const known = progress.get(number);
      if (known?.key === entry.key) return { ...entry, through: Math.max(entry.through, known.through) };
      progress.delete(number);
      return entry;
    },
    datedHere: (number) => progress.get(number)?.dated,
    dated({ entry, through }) {
      const before = progress.get(entry.number)?.through ?? entry.through;
      // A node that counts from the beginning has acknowledged nothing yet.
      const acknowledged = through < before ? 0 : before;
      progress.set(entry.number, { key: entry.key, dated: through, through: acknowledged });
    },
    async keep({ entry, through, events }) {
      if (events.length > 0)
        await book.change(entry.number, (now) => ({ ...now, through, said: withSaid(now.said, events) }));
      const known = progress.get(entry.number);
      if (known) progress.set(entry.number, { ...known, through });
    },
  };
}

/** A node repeats itself until it is acknowledged: what is there is not written twice. */
const withSaid = (before: NodeEntry["said"], events: NodeTurn["events"]): NodeEntry["said"] => {
  const known = new Set(before.map(({ sequence }) => sequence));
  return [...before, ...events.filter(({ sequence }) => !known.has(sequence))].slice(-SAID_MAX);
};
