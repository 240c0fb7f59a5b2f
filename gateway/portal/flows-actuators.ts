import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { hasCode, messageOf } from "../../domain/model/index.ts";
import type { ActuatorState } from "../flows/actuator.ts";
import type { Refusal } from "../flows/interlocks.ts";
import { mayUse } from "../flows/rights.ts";
import { closed, json, notFound, problems, tags, type FlowsEnv, type FlowsPortal } from "./flows-context.ts";
import { actuatorSchema, commandSchema, refusedSchema, switchedSchema } from "./flows-schemas.ts";
import { problemSchema } from "./schemas.ts";

/** Pumps, relays and chargers. */
export function actuatorRoutes(api: OpenAPIHono<FlowsEnv>, portal: FlowsPortal): void {
  listRoute(api, portal);
  commandRoute(api, portal);
}

function listRoute(api: OpenAPIHono<FlowsEnv>, { flows }: FlowsPortal): void {
  const schema = z.object({ actuators: z.array(actuatorSchema) });
  const responses = { 200: json(schema, "Those that the token may switch"), ...problems };
  const path = "/api/flows/v1/actuators";
  api.openapi(createRoute({ method: "get", path, tags: tags.flows, responses }), (c) => {
    const { rights } = c.var.grant;
    const all = flows.actuators.all().map((one) => one.state());
    return c.json({ actuators: all.filter(({ id }) => mayUse(rights, "commands", id)).map(told) }, 200);
  });
}

const told = ({ override, heldBy, fault, ...rest }: ActuatorState) => ({
  ...rest,
  ...{ override: override ?? null, heldBy: heldBy ?? null, fault: fault ?? null },
});

function commandRoute(api: OpenAPIHono<FlowsEnv>, { flows }: FlowsPortal): void {
  const request = {
    params: z.object({ id: z.string() }),
    body: { required: true, content: { "application/json": { schema: commandSchema } } },
  };
  const responses = {
    200: json(switchedSchema, "It is there, for as long as it is said again in time"),
    ...problems,
    ...notFound,
    409: json(refusedSchema, "Not now: a person, an interlock or a minimum time stands against it"),
    502: json(problemSchema, "The wire did not take it"),
  };
  const path = "/api/flows/v1/actuators/{id}";
  api.openapi(createRoute({ method: "put", path, tags: tags.flows, request, responses }), async (c) => {
    const { id } = c.req.valid("param");
    const { name, rights } = c.var.grant;
    if (!mayUse(rights, "commands", id)) return c.json(closed(`switch ${id}`), 403);
    const actuator = flows.actuators.find(id);
    if (!actuator) return c.json({ error: `There is no actuator "${id}".` }, 404);
    try {
      const outcome = await actuator.command(c.req.valid("json").state, name);
      if (outcome.kind === "refused")
        return c.json({ error: wordsOf(outcome.refusal), ...outcome.refusal }, 409);
      return c.json({ outcome: outcome.kind, renewWithinMs: outcome.renewWithinMs }, 200);
    } catch (error) {
      if (hasCode(error, "ACTUATOR_FAILED")) return c.json({ error: messageOf(error) }, 502);
      throw error;
    }
  });
}

function wordsOf(refusal: Refusal): string {
  switch (refusal.because) {
    case "manualOverride":
      return "A person has switched it by hand.";
    case "interlock":
      return `${refusal.stream} does not allow it, or is not known.`;
    case "minimumOn":
    case "minimumOff":
      return `It has to stay for another ${Math.ceil(refusal.waitMs / 1_000)} s.`;
  }
}
