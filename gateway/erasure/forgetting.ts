import type { KeyObject } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { instant, type Clock, type Instant } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import { askForgetting } from "./asking.ts";
import type { RecordStore } from "../record/store.ts";
import type { Gone } from "./forget-commands.ts";

/**
 * "Delete what you hold about me". The wish is in the record before anything is deleted, so that a power cut in the
 * middle only makes it later: what is open is taken up again at the next look.
 */
export interface ForgettingOptions {
  readonly site: {
    readonly devices: readonly { readonly id: string; readonly member?: string | undefined }[];
  };
  readonly store: Pick<RecordStore, "read" | "run" | "pack" | "clean">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

/** All forgetting that is due: asks where things went, then deletes what is held here. */
export function forgettingOf(
  options: ForgettingOptions & {
    readonly site: { readonly id: string; readonly hub?: { readonly id: string } | undefined };
    readonly identity: { readonly keys: { readonly privateKey: KeyObject } };
    readonly store: RecordStore;
    readonly clock: Clock;
  },
): () => Promise<void> {
  const { site, identity } = options;
  const asking = { ...options, gateway: site.id, hub: site.hub?.id ?? "", key: identity.keys.privateKey };
  return async () => {
    if (site.hub) await askForgetting(asking);
    await forgetAsked(options);
  };
}

/** Does what is open. @returns how many wishes were done */
export async function forgetAsked({ site, store, clock, log }: ForgettingOptions): Promise<number> {
  const open = wishes(store.read).filter(({ cleaned }) => cleaned === undefined);
  for (const { id, member, deleted } of open) {
    if (deleted === undefined) {
      const devices = devicesOf(site, member);
      // What is in no block yet is in the journal and in memory: it goes with the blocks.
      await store.pack();
      const gone = await store.run("forgetMember", { id, member, devices, now: clock.now() });
      log.warn({ member, devices, ...gone }, "what was held about a member is deleted, as they asked");
    }
    const { logEmptied } = await store.clean();
    if (!logEmptied)
      log.warn({ member }, "another program reads the record: some bytes go when it has finished");
    await store.run("cleanedForgetting", { id, now: clock.now() });
  }
  return open.length;
}

export const devicesOf = ({ devices }: ForgettingOptions["site"], member: string): string[] =>
  devices.filter((device) => device.member === member).map(({ id }) => id);

/** A wish to be forgotten, and how far it has come. */
export interface Forgotten {
  readonly id: number;
  readonly member: string;
  readonly by: string;
  readonly asked: Instant;
  /** When it left the record, and when its bytes left the files. */
  readonly deleted?: Instant;
  readonly cleaned?: Instant;
  readonly gone?: Gone;
}

/** Of one member, or of all; newest first. */
export function wishes(db: DatabaseSync, member?: string): Forgotten[] {
  const rows = db
    .prepare("SELECT * FROM forgetting WHERE ?1 IS NULL OR member = ?1 ORDER BY id DESC")
    .all(member ?? null);
  return rows.map(({ id, member: who, by, asked, deleted, cleaned, report }) => ({
    ...{ id: Number(id), member: String(who), by: String(by), asked: instant(Number(asked)) },
    ...(deleted !== null && { deleted: instant(Number(deleted)) }),
    ...(cleaned !== null && { cleaned: instant(Number(cleaned)) }),
    ...(report !== null && { gone: JSON.parse(String(report)) as Gone }),
  }));
}

/** What is held about a member at this moment, for the page that asks before it deletes. */
export interface Held extends Omit<Gone, "readings"> {
  /** Readings that are packed; the newest hour is not counted. */
  readonly readings: number;
  readonly alerts: number;
  /** What stays: settled trades, leaves of the egress log, yeses. */
  readonly trades: number;
  readonly leaves: number;
  readonly consents: number;
}

export function heldAbout(db: DatabaseSync, member: string, devices: readonly string[]): Held {
  const count = (sql: string, ...values: string[]): number => Number(db.prepare(sql).get(...values)?.n);
  const each = (sql: string, values: (device: string) => string[]): number =>
    devices.reduce((sum, device) => sum + count(sql, ...values(device)), 0);
  const streams = (device: string): string[] => [`${device}/`, `${device}0`];
  return {
    readings: each(
      "SELECT coalesce(sum(readings), 0) AS n FROM block WHERE device = (SELECT id FROM device WHERE name = ?)",
      (device) => [device],
    ),
    days: each(
      "SELECT count(*) AS n FROM rollup WHERE stream IN (SELECT id FROM stream WHERE name >= ? AND name < ?)",
      streams,
    ),
    quarterHours: each("SELECT count(*) AS n FROM interval WHERE stream >= ? AND stream < ?", streams),
    summaries: count("SELECT count(*) AS n FROM summary WHERE member = ? AND kind <> 'forgotten'", member),
    releases: count("SELECT count(*) AS n FROM release WHERE member = ? AND item <> ''", member),
    advice: count("SELECT count(*) AS n FROM answer WHERE member = ? AND kind = 'advice'", member),
    alerts: count("SELECT count(*) AS n FROM member_alert WHERE member = ?", member),
    trades: count("SELECT count(*) AS n FROM answer WHERE member = ? AND kind = 'clearing'", member),
    leaves: count("SELECT count(*) AS n FROM release WHERE member = ?", member),
    consents: count("SELECT count(*) AS n FROM consent WHERE member = ?", member),
  };
}
