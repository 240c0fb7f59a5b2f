import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { html } from "hono/html";
import { dayOf, messageOf, type Day } from "../../domain/model/index.ts";
import type { Html, SessionEnv } from "../../platform/web/index.ts";
import { daysToSpan, streamsOfMember } from "../export/choice.ts";
import { EXPORT_FORMATS, exportChunks } from "../export/lines.ts";
import type { Portal, Speech } from "./context.ts";
import { exportWords } from "./export-messages.ts";
import { fill } from "./format.ts";
import { problemSchema } from "./schemas.ts";

/** Downloads of readings at one time: each keeps an hour of readings in memory. */
export const EXPORTS_MAX = 4;

const TYPES = { csv: "text/csv; charset=utf-8", jsonl: "application/x-ndjson; charset=utf-8" };

const query = z.object({
  from: z.iso.date().openapi({ description: "The first civil day of the site", example: "2026-06-01" }),
  to: z.iso.date().openapi({ description: "The last day, included", example: "2026-06-15" }),
  format: z.enum(EXPORT_FORMATS).default("csv"),
});

const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: problemSchema } },
});
const responses = {
  200: {
    description:
      "The readings in order of time. CSV: time UTC, time on the site's clock, device, quantity, channel, value, unit, quality, sequence. JSON lines: a head, then an object a reading",
    content: {
      "text/csv": { schema: z.string() },
      "application/x-ndjson": { schema: z.string() },
    },
  },
  400: problem("No such range or format"),
  401: problem("Nobody is signed in"),
  403: problem("For another role"),
  503: problem("Others are downloading; try again in a minute"),
};

/** A member's own readings as a file. The member is the one of the session, never a parameter. */
export function exportRoute(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { site, store, log } = portal;
  const open = new Set<Generator<string>>();
  api.use("/api/export", portal.sessions.require("member"));
  api.openapi(
    createRoute({ method: "get", path: "/api/export", tags: ["Member"], request: { query }, responses }),
    (c) => {
      if (open.size >= EXPORTS_MAX) return c.json({ error: responses[503].description }, 503);
      const { from, to, format } = c.req.valid("query");
      const span = daysToSpan({ first: from as Day, last: to as Day }, site.timeZone);
      const streams = streamsOfMember(store.readings, site, c.var.person.id);
      const options = { ...span, readings: store.readings, streams, format };
      const chunks = exportChunks({ ...options, timeZone: site.timeZone, site: site.id });
      open.add(chunks);
      const onFault = (error: unknown): void =>
        log.error({ because: messageOf(error) }, "an export of readings broke off");
      return new Response(streamOf(chunks, { onEnd: () => open.delete(chunks), onFault }), {
        headers: {
          "content-type": TYPES[format],
          "content-disposition": `attachment; filename="${site.id}-${c.var.person.id}-${from}-${to}.${format}"`,
          "cache-control": "no-store",
        },
      });
    },
  );
}

/** A piece is made when the one before was taken: a slow phone keeps no more in memory than a fast one. */
function streamOf(
  chunks: Generator<string>,
  { onEnd, onFault }: { onEnd(): void; onFault(error: unknown): void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      pull(controller) {
        try {
          const { value, done } = chunks.next();
          if (!done) return controller.enqueue(encoder.encode(value));
          controller.close();
        } catch (error) {
          // The connection is cut, so that nobody takes a part for the whole.
          onFault(error);
          controller.error(error);
        }
        onEnd();
      },
      cancel() {
        chunks.return(undefined);
        onEnd();
      },
    },
    { highWaterMark: 1 },
  );
}

/** The member's way to it: a plain form, so that it needs no script. */
export function exportCard({ site, store, clock }: Portal, member: string, { language }: Speech): Html {
  const w = exportWords(language);
  const streams = streamsOfMember(store.readings, site, member);
  const first = store.readings.firstTime(streams);
  if (first === undefined)
    return html`<h2>${w.title}</h2>
      <p class="soft">${w.none}</p>`;
  const [from, today] = [dayOf(first, site.timeZone), dayOf(clock.now(), site.timeZone)];
  const day = (name: "from" | "to", value: string): Html =>
    html`<div>
      <label for="export-${name}">${w[name]}</label>
      <input id="export-${name}" type="date" name="${name}" value="${value}" min="${from}" required />
    </div>`;
  return html`<h2>${w.title}</h2>
    <p class="soft">${w.hint}</p>
    <form method="get" action="/api/export">
      <div class="columns">${day("from", today)} ${day("to", today)}</div>
      <p class="actions">
        ${EXPORT_FORMATS.map(
          (format) =>
            html`<button class="plain" name="format" value="${format}">
              ${fill(w.get, { format: w[format] })}
            </button> `,
        )}
      </p>
    </form>`;
}
