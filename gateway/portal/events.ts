import { streamSSE } from "hono/streaming";
import type { DatabaseSync } from "node:sqlite";
import type { z } from "@hono/zod-openapi";
import { localTime } from "../../domain/model/index.ts";
import type { Portal, PortalContext } from "./context.ts";
import { powerNow } from "./power.ts";
import type { powerSchema } from "./schemas.ts";

/**
 * The page's live numbers, as server-sent events: one object when a page opens, then at most one a second, when a
 * reading of the member's devices came or `quietMs` have passed (a value that grows old must turn unknown too).
 */
export const STREAMS_MAX = 200;
const PACE = { tickMs: 1_000, quietMs: 5_000 };

export function liveStream(
  portal: Portal,
  { tickMs, quietMs } = PACE,
): (c: PortalContext) => Response | Promise<Response> {
  let streams = 0;
  return (c) => {
    if (streams >= STREAMS_MAX) return c.json({ error: "Too many pages are open. Reload later." }, 503);
    const member = c.var.person.id;
    const own = new Set<string>(portal.site.devices.filter((d) => d.member === member).map((d) => d.id));
    streams += 1;
    return streamSSE(c, async (stream) => {
      let news = true;
      const end = portal.live.onReading(({ stream: name }) => {
        news ||= own.has(name.slice(0, name.indexOf("/")));
      });
      try {
        for (let quiet = 0; !stream.aborted; quiet += tickMs) {
          if (news || quiet >= quietMs) {
            // Whoever signed out elsewhere sees nothing more here.
            if (portal.sessions.personOf(c)?.id !== member) break;
            [news, quiet] = [false, 0];
            await stream.writeSSE({ event: "power", data: JSON.stringify(powerEvent(portal, member)) });
          }
          await stream.sleep(tickMs);
        }
      } finally {
        end();
        streams -= 1;
      }
    });
  };
}

export function powerEvent(
  { site, live, clock, store }: Portal,
  member: string,
): z.infer<typeof powerSchema> {
  const now = clock.now();
  const { using, production, grid, battery, asOf } = powerNow(site, live, { member, now });
  return {
    time: now,
    using: using ?? null,
    production: production ?? null,
    grid: grid ?? null,
    battery: battery ?? null,
    asOf: asOf ?? null,
    asOfLocal: asOf === undefined ? null : localTime(asOf, site.timeZone),
    version: versionOf(store.read, member),
  };
}

/** The newest quarter hour, release, answer and alert of the member: another text means that the page is old. */
export function versionOf(db: DatabaseSync, member: string): string {
  const sql = `SELECT (SELECT max(time) FROM summary WHERE member = ?1 AND kind = 'energyInterval') AS slot,
    (SELECT max(released) FROM release WHERE member = ?1) AS left,
    (SELECT max(sequence) FROM answer WHERE member = ?1) AS answered,
    (SELECT max(id) FROM member_alert WHERE member = ?1) AS said`;
  const row = db.prepare(sql).get(member);
  return [row?.slot, row?.left, row?.answered, row?.said].map((part) => String(part ?? "")).join("/");
}
