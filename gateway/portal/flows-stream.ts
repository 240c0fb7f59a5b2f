import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import { hasCode, isQuantity, QUANTITIES, type Reading } from "../../domain/model/index.ts";
import { fits } from "../flows/rights.ts";
import { readingsFrom } from "../flows/stream.ts";
import { FEED_START, type Feed } from "../record/feed.ts";
import { closed, json, problems, tags, type FlowsEnv, type FlowsPortal } from "./flows-context.ts";
import { aboutSchema, readingEventSchema } from "./flows-schemas.ts";

/** Flows that listen at once, on all machines together. */
export const LISTENERS_MAX = 50;
/** Between two signs of life, so that a dead line shows at either end, ms. */
const BEAT_MS = 15_000;

const query = z.object({
  cursor: z.string().max(40).optional().openapi({
    description: 'Where to go on: a cursor, "start", or "end" for what is to come (where absent)',
  }),
  streams: z
    .string()
    .max(4_000)
    .optional()
    .openapi({ description: 'Patterns with commas between, "*" for one part', example: "*/tankLevel" }),
});

const description =
  "Readings as they become durable, in the order of their commits. The id of each event is its cursor: with " +
  "Last-Event-ID, or `cursor`, the stream goes on behind it without a gap and without a double.";

export function streamRoute(api: OpenAPIHono<FlowsEnv>, portal: FlowsPortal): void {
  aboutRoute(api, portal);
  api.openAPIRegistry.registerPath({
    method: "get",
    path: "/api/flows/v1/stream",
    tags: tags.flows,
    request: { query },
    responses: {
      200: { description, content: { "text/event-stream": { schema: readingEventSchema } } },
      ...problems,
    },
  });
  let listeners = 0;
  api.get("/api/flows/v1/stream", (c) => {
    const asked = query.safeParse(c.req.query());
    if (!asked.success) return c.json({ error: z.prettifyError(asked.error) }, 400);
    const { grant, token } = c.var;
    if (grant.rights.streams.length === 0) return c.json(closed("hear readings"), 403);
    if (listeners >= LISTENERS_MAX) return c.json({ error: "Too many flows listen already." }, 503);
    const { feed } = portal.store;
    const said = c.req.header("last-event-id") ?? asked.data.cursor ?? "end";
    const cursor = said === "start" ? FEED_START : said;
    if (!isCursor(feed, cursor)) return c.json({ error: `"${cursor}" is no cursor.` }, 400);
    listeners += 1;
    return streamSSE(c, async (stream) => {
      const stop = new AbortController();
      stream.onAbort(() => stop.abort());
      const beat = setInterval(() => {
        void stream.write(": still here\n\n");
        // Whoever lost the token hears nothing more, also where nothing happens.
        if (!portal.flows.grantOf(token)) stop.abort();
      }, BEAT_MS);
      try {
        const only = patternsOf(asked.data.streams);
        const rights = () => portal.flows.grantOf(token)?.rights;
        for await (const batch of readingsFrom({ feed, cursor, only, rights, signal: stop.signal })) {
          const data = JSON.stringify({ cursor: batch.cursor, readings: batch.readings.map(withUnit) });
          await stream.writeSSE({ event: "readings", id: batch.cursor, data });
        }
      } finally {
        clearInterval(beat);
        listeners -= 1;
      }
    });
  });
}

function isCursor(feed: Feed, cursor: string): boolean {
  try {
    if (cursor !== "end") feed.after(cursor, 1);
    return true;
  } catch (error) {
    if (hasCode(error, "MESSAGE_INVALID")) return false;
    throw error;
  }
}

function patternsOf(text: string | undefined): (stream: string) => boolean {
  const patterns = (text ?? "").split(",").flatMap((one) => one.trim() || []);
  return (stream) => patterns.length === 0 || patterns.some((pattern) => fits(pattern, stream));
}

const withUnit = (reading: Reading) => {
  const quantity = reading.stream.split("/")[1] ?? "";
  return { ...reading, unit: isQuantity(quantity) ? QUANTITIES[quantity].unit : "" };
};

function aboutRoute(api: OpenAPIHono<FlowsEnv>, { site, clock, flows }: FlowsPortal): void {
  const responses = { 200: json(aboutSchema, "What this token is for, and what there is"), ...problems };
  api.openapi(
    createRoute({ method: "get", path: "/api/flows/v1/about", tags: tags.flows, responses }),
    (c) => {
      const { name, rights } = c.var.grant;
      const within = (list: "members" | "devices" | "commands", names: readonly string[]): string[] =>
        names.filter((one) => rights[list].includes("*") || rights[list].includes(one));
      const virtual = site.devices.filter(({ connection }) => connection.kind === "virtual");
      const actuators = flows.actuators.all().map((one) => one.state().id);
      const body = {
        ...{ site: site.name, name, rights, timeZone: site.timeZone, now: clock.now(), speed: clock.speed },
        members: within("members", [...site.members.map((member) => member.id), "village"]),
        virtualDevices: within(
          "devices",
          virtual.map((device) => device.id),
        ),
        actuators: within("commands", actuators),
      };
      return c.json(body, 200);
    },
  );
}
