import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { dayFigures } from "../../domain/agronomy/day-figures.ts";
import { dayBounds, dayOf, isQuantity, QUANTITIES, type Day } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import type { Portal } from "./context.ts";
import { dayQuery } from "./schemas.ts";

/** A member's own weather, soil and water of one day, every quantity by the rule that fits it. */
const FARM_MOUNTINGS: ReadonlySet<string> = new Set(["weather", "soil", "tank", "pump"]);
const value = z
  .number()
  .nullable()
  .openapi({ description: "null where unknown, or where it makes no sense" });

const farmSchema = z
  .object({
    day: z.iso.date(),
    figures: z.array(
      z.object({
        stream: z.string(),
        unit: z.string(),
        ...{ minimum: value, maximum: value, mean: value, sum: value },
        coverage: z.number().openapi({ description: "% of the day for which a value stood" }),
      }),
    ),
  })
  .openapi("FarmFigures");

export function farmRoutes(api: OpenAPIHono<SessionEnv>, { sessions, site, store, clock }: Portal): void {
  api.use("/api/farm", sessions.require("member"));
  const description = "Minimum, maximum, time-weighted mean or sum of each stream of this member's farm";
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/farm", tags: ["Member"], request: { query: dayQuery } },
      responses: { 200: { description, content: { "application/json": { schema: farmSchema } } } },
    }),
    (c) => {
      const day = (c.req.valid("query").day ?? dayOf(clock.now(), site.timeZone)) as Day;
      const span = dayBounds(day, site.timeZone);
      const own = site.devices.filter(
        (one) => one.member === c.var.person.id && FARM_MOUNTINGS.has(one.mounting),
      );
      const streams = own.flatMap(({ id }) => store.readings.streamsOf(id));
      const figures = streams.flatMap((stream) => {
        const quantity = stream.split("/")[1] ?? "";
        if (!isQuantity(quantity)) return [];
        const readings = store.readings.between(stream, { from: span.start, to: span.end });
        const found = dayFigures(quantity, readings, span);
        if (!found) return [];
        const { minimum = null, maximum = null, mean = null, sum = null, coverage } = found;
        return [{ stream, unit: QUANTITIES[quantity].unit, minimum, maximum, mean, sum, coverage }];
      });
      return c.json({ day, figures }, 200);
    },
  );
}
