import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { dayOf, type Day, type EnergyBalance } from "../../domain/model/index.ts";
import { mayUse } from "../flows/rights.ts";
import { memberDay, type MemberDay } from "./day.ts";
import { closed, json, notFound, problems, tags, type FlowsEnv, type FlowsPortal } from "./flows-context.ts";
import { flowAdviceSchema, flowBalanceSchema } from "./flows-schemas.ts";
import { powerNow } from "./power.ts";
import { dayQuery } from "./schemas.ts";
import { latestAdvice } from "./shared.ts";
import { villageDay } from "./village-day.ts";

/** Whose balance stands for the whole village's. */
export const VILLAGE = "village";
type Figure = "using" | "production" | "grid" | "battery";
type NowFigures = Readonly<Record<Figure | "asOf", number | null>>;

export function dataRoutes(api: OpenAPIHono<FlowsEnv>, portal: FlowsPortal): void {
  balanceRoute(api, portal);
  adviceRoute(api, portal);
}

function balanceRoute(api: OpenAPIHono<FlowsEnv>, portal: FlowsPortal): void {
  const { site, store, clock } = portal;
  const request = {
    params: z.object({ of: z.string().openapi({ description: 'A member, or "village"' }) }),
    query: dayQuery,
  };
  const description = "The balance of a household or the village: now, of a day, and by quarter hours";
  const responses = { 200: json(flowBalanceSchema, description), ...problems, ...notFound };
  const path = "/api/flows/v1/balance/{of}";
  api.openapi(createRoute({ method: "get", path, tags: tags.flows, request, responses }), (c) => {
    const { of } = c.req.valid("param");
    if (!mayUse(c.var.grant.rights, "members", of)) return c.json(closed(`read the balance of ${of}`), 403);
    const isVillage = of === VILLAGE;
    if (!isVillage && !site.members.some(({ id }) => id === of))
      return c.json({ error: `There is no member "${of}".` }, 404);
    const now = clock.now();
    const day = (c.req.valid("query").day ?? dayOf(now, site.timeZone)) as Day;
    const found: MemberDay = isVillage
      ? villageDay(store, { site, day, now })
      : memberDay(store.read, { member: of, day, zone: site.timeZone, now });
    const { known, slots } = found;
    const body = {
      ...{ of, language: portal.accounts.person(of)?.language ?? null },
      ...{ day, known, over: slots.length },
      balance: known === 0 ? null : figuresOf(found.total),
      now: isVillage ? villageNow(portal) : memberNow(portal, of),
      intervals: slots.map(({ start, balance }) => ({ start, balance: balance ? figuresOf(balance) : null })),
    };
    return c.json(body, 200);
  });
}

/** The figures alone: a village's total holds more. */
const figuresOf = ({
  import: into,
  export: outOf,
  production,
  consumption,
  charge,
  discharge,
  selfConsumption,
}: EnergyBalance) => ({
  ...{ import: into, export: outOf, production, consumption, charge, discharge, selfConsumption },
});

function memberNow({ site, live, clock }: FlowsPortal, member: string): NowFigures {
  const power = powerNow(site, live, { member, now: clock.now() });
  const { using = null, production = null, grid = null, battery = null, asOf = null } = power;
  return { using, production, grid, battery, asOf };
}

/** Every household together; a figure is unknown where one household leaves it unknown that has a meter for it. */
function villageNow(portal: FlowsPortal): NowFigures {
  const { site, live, clock } = portal;
  const powers = site.members.map(({ id }) => powerNow(site, live, { member: id, now: clock.now() }));
  const sum = (figure: Figure): number | null => {
    const parts = powers.filter(({ has }) => has[figure === "using" ? "grid" : figure]);
    const values = parts.map((power) => power[figure]);
    if (values.length === 0 || values.includes(undefined)) return null;
    return values.reduce<number>((total, value) => total + (value ?? 0), 0);
  };
  const times = powers.flatMap(({ asOf }) => asOf ?? []);
  const asOf = times.length === 0 ? null : Math.min(...times);
  return {
    ...{ using: sum("using"), production: sum("production"), grid: sum("grid"), battery: sum("battery") },
    asOf,
  };
}

function adviceRoute(api: OpenAPIHono<FlowsEnv>, { site, store }: FlowsPortal): void {
  const request = { params: z.object({ member: z.string() }) };
  const description = "The newest advice on a member's fields; null where there is none";
  const responses = { 200: json(flowAdviceSchema, description), ...problems, ...notFound };
  const path = "/api/flows/v1/advice/{member}";
  api.openapi(createRoute({ method: "get", path, tags: tags.flows, request, responses }), (c) => {
    const { member } = c.req.valid("param");
    if (!mayUse(c.var.grant.rights, "members", member))
      return c.json(closed(`read the advice of ${member}`), 403);
    if (!site.members.some(({ id }) => id === member))
      return c.json({ error: `There is no member "${member}".` }, 404);
    return c.json({ member, advice: latestAdvice(store.read, member) ?? null }, 200);
  });
}
