import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { DISCONTINUITIES, effectOf, type Resolution } from "../../domain/energy/continuity.ts";
import { FieldwattError, dayOf, messageOf, type Day } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { eventOf, ledgerEvents } from "../summarise/ledger.ts";
import type { Portal } from "./context.ts";
import { dayQuery, problemSchema } from "./schemas.ts";
import { villageDay } from "./village-day.ts";

/** The continuity ledger and the village's balance, for the operator. */
const reading = z.object({
  time: z.int(),
  register: z.number().openapi({ description: "Wh, as the meter told it" }),
});
const resolution = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("asProposed") }),
    z.strictObject({ kind: z.literal("registers"), oldEnd: z.number(), newStart: z.number() }),
    z.strictObject({ kind: z.literal("energy"), wattHours: z.int().nonnegative() }),
    z.strictObject({ kind: z.literal("scale"), factor: z.number().positive() }),
  ])
  .openapi("Resolution", { description: "What an operator says of an event; registers and energy in Wh" });
const effect = z.object({ wattHours: z.int(), factor: z.number() });

const eventSchema = z
  .object({
    id: z.int(),
    stream: z.string(),
    kind: z.enum(DISCONTINUITIES),
    state: z.enum(["open", "counted", "settled", "gone"]),
    before: reading,
    after: reading,
    proposed: z.int().openapi({ description: "Wh between the two readings, if it is what it looks like" }),
    effect: effect.nullable().openapi({ description: "What counts now; null while it waits" }),
    entries: z.array(
      z.object({
        made: z.int(),
        by: z.string(),
        says: z.enum(["confirm", "correct", "undo", "gone", "back"]),
        effect: z.int().nullable(),
      }),
    ),
  })
  .openapi("ContinuityEvent");

const saying = z.strictObject({
  says: z.enum(["confirm", "correct", "undo"]),
  resolution: resolution.optional(),
  /** Only say what it would do. */
  preview: z.boolean().default(false),
});

const figure = z.int().nullable().openapi({ description: "Wh; null where a meter leaves it unknown" });
const villageSchema = z
  .object({
    day: z.iso.date(),
    known: z.int(),
    over: z.int(),
    losses: figure,
    ...{
      import: figure,
      export: figure,
      production: figure,
      consumption: figure,
      charge: figure,
      discharge: figure,
    },
    missing: z.array(z.object({ device: z.string(), quarterHours: z.int() })),
    contradictions: z.array(z.object({ device: z.string(), wattHours: z.int() })),
  })
  .openapi("VillageBalance", {
    description:
      "import + production + discharge = consumption + export + charge + losses; losses need a feeder's meter",
  });

const answers = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  200: { description, content: { "application/json": { schema } } },
  400: { description: "It cannot be so", content: { "application/json": { schema: problemSchema } } },
});
const tags = ["Operator"];

export function continuityRoutes(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  api.use("/api/energy/*", portal.sessions.require("operator"));
  eventRoutes(api, portal);
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/energy/village", tags, request: { query: dayQuery } },
      responses: answers(villageSchema, "The balance of the village's day, where every meter is known"),
    }),
    (c) => {
      const { site, store, clock } = portal;
      const asked = c.req.valid("query").day;
      const day = asked === undefined ? dayOf(clock.now(), site.timeZone) : (asked as Day);
      const { total, losses, known, slots, ...rest } = villageDay(store, { site, day, now: clock.now() });
      const shown = (wh: number): number | null => (known === 0 ? null : wh);
      const { import: into, export: outOf, production, consumption, charge, discharge } = total;
      return c.json(
        {
          ...{ day, known, over: slots.length, losses: losses === undefined ? null : shown(losses) },
          ...{ import: shown(into), export: shown(outOf), production: shown(production) },
          ...{ consumption: shown(consumption), charge: shown(charge), discharge: shown(discharge) },
          missing: rest.missing.map(([device, quarterHours]) => ({ device, quarterHours })),
          contradictions: rest.contradictions.map(([device, wattHours]) => ({ device, wattHours })),
        },
        200,
      );
    },
  );
}

function eventRoutes(api: OpenAPIHono<SessionEnv>, { store, clock }: Portal): void {
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/energy/events", tags },
      responses: answers(
        z.object({ events: z.array(eventSchema) }),
        "The ledger, what waits for a person first",
      ),
    }),
    (c) => c.json({ events: ledgerEvents(store.read).map(shapeOf) }, 200),
  );
  api.openapi(
    createRoute({
      ...{ method: "post", path: "/api/energy/events/{id}", tags },
      request: {
        params: z.object({ id: z.coerce.number().int().positive() }),
        body: { required: true, content: { "application/json": { schema: saying } } },
      },
      responses: answers(
        z.object({ event: eventSchema, effect: effect.nullable() }),
        "The event, and what was said of it does",
      ),
    }),
    async (c) => {
      const [{ id }, { says, resolution: told, preview }] = [c.req.valid("param"), c.req.valid("json")];
      try {
        const asked = says === "undo" ? undefined : (told ?? { kind: "asProposed" as const });
        const does = effectIf(asked, () => eventOf(store.read, id));
        const by = c.var.person.id;
        if (!preview)
          await store.run("sayContinuity", {
            ...{ event: id, by, now: clock.now(), says },
            ...(asked && { resolution: asked }),
          });
        return c.json({ event: shapeOf(eventOf(store.read, id)), effect: does }, 200);
      } catch (error) {
        return c.json({ error: messageOf(error) }, 400);
      }
    },
  );
}

function effectIf(asked: Resolution | undefined, event: () => ReturnType<typeof eventOf>) {
  if (!asked) return null;
  const does = effectOf(event(), asked);
  if (typeof does === "string") throw new FieldwattError("OPTION_INVALID", does);
  return does;
}

const shapeOf = ({
  id,
  stream,
  kind,
  state,
  before,
  after,
  proposed,
  effect: does,
  entries,
}: ReturnType<typeof eventOf>) => ({
  ...{ id, stream, kind, state, before, after, proposed },
  effect: does ?? null,
  entries: entries.map(({ made, by, says, effect: wh }) => ({ made, by, says, effect: wh ?? null })),
});
