import {
  FieldwattError,
  instant,
  type Instant,
  type Quality,
  type Reading,
} from "../../domain/model/index.ts";
import type { StreamId } from "../../domain/model/index.ts";
import type { RecordStore } from "../record/store.ts";
import type { UndatedReading } from "./commands.ts";
import type { Anchor } from "./model.ts";

/**
 * Readings that came before the gateway knew the time. They are durable before they are acknowledged, under the
 * uptime at which they came; when the time arrives in the same boot they are dated by it, exactly to the drift of
 * the quartz, and marked `estimated`.
 *
 * Dating is safe against kill -9: the anchor is in the record before the first reading is dated by it, so that a
 * repeated dating gives the same times, which the record ignores; a row goes only after its reading is durable.
 */
type UndatedStore = Pick<RecordStore, "append" | "run" | "read">;

/** Readings dated in one commit. */
const DATED_AT_ONCE = 5_000;
/** A device's own stamp may run ahead of the gateway's clock by this much (gateway/acquire/keep.ts). */
const OWN_AHEAD_MAX_MS = 5 * 60_000;

/** Keeps readings of this boot; callers that come during one commit share the next. */
export function undatedKeeper(
  store: UndatedStore,
  boot: string,
): { keep(readings: readonly UndatedReading[]): Promise<void>; drained(): Promise<void> } {
  let next: { readings: UndatedReading[]; done: Promise<void> } | undefined;
  let last: Promise<void> = Promise.resolve();
  const begin = (): { readings: UndatedReading[]; done: Promise<void> } => {
    const readings: UndatedReading[] = [];
    const done = last
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return store.run("keepUndated", { boot, readings });
      });
    last = done;
    return { readings, done };
  };
  return {
    keep(readings) {
      next ??= begin();
      next.readings.push(...readings);
      return next.done;
    },
    drained: () => last.catch(() => undefined),
  };
}

export interface Dating {
  readonly store: UndatedStore;
  readonly boot: string;
  readonly anchor: Anchor;
  /** Called after each commit, with what is durable now. */
  onDated(readings: readonly Reading[]): void;
}

/** Dates all that waits of one boot, oldest first. @returns how many readings were dated */
export async function dateAll({ store, boot, anchor, onDated }: Dating): Promise<number> {
  const sql =
    "SELECT id, uptime, stream, value, quality, own FROM undated WHERE boot = ? ORDER BY id LIMIT ?";
  let dated = 0;
  for (;;) {
    const rows = store.read.prepare(sql).all(boot, DATED_AT_ONCE);
    const through = rows.at(-1)?.["id"];
    if (through === undefined) return dated;
    const readings = rows.flatMap((row) => datedBy(anchor, row));
    await store.append(readings);
    await store.run("dropUndated", { boot, through: Number(through) });
    onDated(readings);
    dated += readings.length;
  }
}

/** Nothing for a stamp of the device's own that lies in the future: it is the device that lies. */
function datedBy(anchor: Anchor, row: Record<string, unknown>): Reading[] {
  const came = instant(Math.floor(anchor.time - (anchor.uptime - Number(row["uptime"]))));
  const own = row["own"] === null ? undefined : instant(Number(row["own"]));
  if (own !== undefined && own > came + OWN_AHEAD_MAX_MS) return [];
  const quality = String(row["quality"]) as Quality;
  return [
    {
      stream: String(row["stream"]) as StreamId,
      time: own ?? came,
      value: Number(row["value"]),
      // A stamp of the device's own is as good as ever; a value that must not be used stays so.
      quality: own === undefined && quality === "ok" ? "estimated" : quality,
    },
  ];
}

/** Readings of one boot that still wait. The bounds are what the record knows: they are never given a time by it. */
export interface UndatedBoot {
  readonly boot: string;
  readonly readings: number;
  /** Uptime of the first and the last, ms. */
  readonly first: number;
  readonly last: number;
  /** The first came after this. */
  readonly after: Instant | undefined;
  /** The last came before this: the boot that followed knew the time. */
  readonly before: Instant | undefined;
}

/** Every boot of which readings wait, oldest first. */
export function undatedBoots(db: RecordStore["read"]): UndatedBoot[] {
  const sql = `SELECT boot, count(*) AS readings, min(uptime) AS first, max(uptime) AS last
    FROM undated GROUP BY boot ORDER BY min(id)`;
  const edge = (boot: string, order: "min" | "max"): number =>
    Number(db.prepare(`SELECT ${order}(id) AS id FROM clock_event WHERE boot = ?`).get(boot)?.["id"] ?? 0);
  const after = db.prepare("SELECT time FROM clock_event WHERE id = ?");
  const before = db.prepare(
    "SELECT time - uptime AS time FROM clock_event WHERE id > ? AND state <> 'unset' ORDER BY id LIMIT 1",
  );
  const timeOf = (row: Record<string, unknown> | undefined): Instant | undefined =>
    row && instant(Number(row["time"]));
  return db
    .prepare(sql)
    .all()
    .map((row) => ({
      boot: String(row["boot"]),
      readings: Number(row["readings"]),
      first: Number(row["first"]),
      last: Number(row["last"]),
      after: timeOf(after.get(edge(String(row["boot"]), "min"))),
      before: timeOf(before.get(edge(String(row["boot"]), "max"))),
    }));
}

/** Counted at most this far for a page that only needs to say that there are many. */
export const undatedCount = (db: RecordStore["read"]): number =>
  Number(db.prepare("SELECT count(*) AS n FROM undated").get()?.["n"]);

/**
 * The anchor that an operator gives for a boot that never knew its time.
 * @throws FieldwattError CLOCK_REFUSED where nothing of that boot waits, or the times would leave its bounds
 */
export function anchorOf(db: RecordStore["read"], boot: string, bootTime: Instant): Anchor {
  const found = undatedBoots(db).find((one) => one.boot === boot);
  if (!found) throw new FieldwattError("CLOCK_REFUSED", `No readings of a boot ${boot} wait for their time`);
  const early = found.after !== undefined && bootTime + found.first < found.after;
  const late = found.before !== undefined && bootTime + found.last > found.before;
  if (early || late) {
    const text = (time: Instant | undefined) => (time === undefined ? "?" : new Date(time).toISOString());
    const bounds = `between ${text(found.after)} and ${text(found.before)}`;
    throw new FieldwattError("CLOCK_REFUSED", `The readings of boot ${boot} were taken ${bounds}`);
  }
  return { uptime: 0, time: bootTime };
}
