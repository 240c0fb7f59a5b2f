import type { DatabaseSync } from "node:sqlite";
import { hasCode } from "../../../domain/model/index.ts";
import type { Block } from "./codec.ts";
import type { Series } from "./columns.ts";
import { openRow, rowOf, type BlockHead } from "./rows.ts";

/** Readings decoded from blocks that stay in memory: about 17 bytes each, 7 MB. The oldest asked for goes first. */
export const SHELF_READINGS_MAX = 400_000;
/** What a block, and each stream of it, needs besides, in readings. */
const OBJECTS = 48;

interface Shelved {
  /** Undefined for a block that is damaged. */
  readonly block: Block | undefined;
  readonly series: Map<number, Series | undefined>;
  /** In readings. */
  size: number;
  /** Since the last `rest`. */
  asked: boolean;
}

/** Blocks that were read lately. A block never changes under its id, so that nothing here is ever out of date. */
export class Shelf {
  private readonly shelved = new Map<number, Shelved>();
  private held = 0;
  private readonly db: DatabaseSync;
  private readonly onDamage: (head: BlockHead) => void;

  constructor(db: DatabaseSync, onDamage: (head: BlockHead) => void) {
    this.db = db;
    this.onDamage = onDamage;
  }

  /** The streams of a block; none where it is damaged, or gone since its head was read. */
  streams(head: BlockHead): readonly number[] {
    return this.open(head).block?.streams ?? [];
  }

  /** Lets go of what nobody asked for since the last time. */
  rest(): void {
    for (const [id, entry] of this.shelved) {
      if (!entry.asked) this.remove(id, entry);
      entry.asked = false;
    }
  }

  series(head: BlockHead, stream: number): Series | undefined {
    const entry = this.open(head);
    if (entry.series.has(stream)) return entry.series.get(stream);
    const found = this.decode(head, entry, stream);
    entry.series.set(stream, found);
    this.account(head.id, entry, OBJECTS + (found?.count ?? 0));
    return found;
  }

  private decode(head: BlockHead, { block }: Shelved, stream: number): Series | undefined {
    try {
      return block?.series(stream);
    } catch (error) {
      this.reportDamage(head, error);
      return undefined;
    }
  }

  private open(head: BlockHead): Shelved {
    const known = this.shelved.get(head.id);
    if (known) {
      known.asked = true;
      this.shelved.delete(head.id);
      this.shelved.set(head.id, known);
      return known;
    }
    const entry: Shelved = { block: this.read(head), series: new Map(), size: 0, asked: true };
    this.shelved.set(head.id, entry);
    // Its body, unpacked, has about two bytes a reading.
    this.account(head.id, entry, OBJECTS + (head.readings >> 3));
    return entry;
  }

  private read(head: BlockHead): Block | undefined {
    try {
      const row = rowOf(this.db, head.id);
      return row && openRow(row);
    } catch (error) {
      this.reportDamage(head, error);
      return undefined;
    }
  }

  private reportDamage(head: BlockHead, error: unknown): void {
    if (!hasCode(error, "RECORD_BLOCK_DAMAGED")) throw error;
    this.onDamage(head);
  }

  private account(id: number, entry: Shelved, readings: number): void {
    entry.size += readings;
    this.held += readings;
    for (const [oldest, other] of this.shelved) {
      if (this.held <= SHELF_READINGS_MAX) return;
      if (oldest !== id) this.remove(oldest, other);
    }
  }

  private remove(id: number, { size }: Shelved): void {
    this.shelved.delete(id);
    this.held -= size;
  }
}
