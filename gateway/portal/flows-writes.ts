import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { hasCode, instant, messageOf } from "../../domain/model/index.ts";
import { handSummary } from "../flows/summaries.ts";
import { mayUse } from "../flows/rights.ts";
import { closed, json, notFound, problems, tags, type FlowsEnv, type FlowsPortal } from "./flows-context.ts";
import {
  alertSchema,
  TO_MEMBERS,
  TO_OPERATOR,
  faultSchema,
  handedSchema,
  raisedSchema,
  summarySchema,
  writesSchema,
  writtenSchema,
} from "./flows-schemas.ts";
import { problemSchema } from "./schemas.ts";
import { z } from "zod";

/** What flows give: readings of virtual devices, alerts, and faults for a simulated village. */
export function writeRoutes(api: OpenAPIHono<FlowsEnv>, portal: FlowsPortal): void {
  readingsRoute(api, portal);
  summaryRoute(api, portal);
  alertRoute(api, portal);
  faultRoute(api, portal);
  sessionRoute(api, portal);
}

const bodyOf = <Schema extends z.ZodType>(schema: Schema) => ({
  body: { required: true, content: { "application/json": { schema } } },
});

function readingsRoute(api: OpenAPIHono<FlowsEnv>, { flows }: FlowsPortal): void {
  const description = "Every value is durable; what came before under the same id was not kept twice";
  const responses = { 200: json(writtenSchema, description), ...problems };
  const request = bodyOf(writesSchema);
  const path = "/api/flows/v1/readings";
  api.openapi(createRoute({ method: "post", path, tags: tags.flows, request, responses }), async (c) => {
    const { writes } = c.req.valid("json");
    const stray = writes.find(({ device }) => !mayUse(c.var.grant.rights, "devices", device));
    if (stray) return c.json(closed(`write ${stray.device}`), 403);
    try {
      const written = await flows.writes.write(
        writes.map(({ time, ...one }) => ({ ...one, ...(time !== undefined && { time: instant(time) }) })),
      );
      return c.json({ written: [...written] }, 200);
    } catch (error) {
      if (hasCode(error, "MESSAGE_INVALID")) return c.json({ error: messageOf(error) }, 400);
      if (hasCode(error, "CLOCK_REFUSED")) return c.json({ error: messageOf(error) }, 503);
      throw error;
    }
  });
}

function alertRoute(api: OpenAPIHono<FlowsEnv>, { flows, site }: FlowsPortal): void {
  const description = "It is on the page of whom it is to; `sms` says whether a short message goes out";
  const responses = { 200: json(raisedSchema, description), ...problems, ...notFound };
  const request = bodyOf(alertSchema);
  const path = "/api/flows/v1/alerts";
  api.openapi(createRoute({ method: "post", path, tags: tags.flows, request, responses }), async (c) => {
    const { name, rights } = c.var.grant;
    if (!rights.alerts) return c.json(closed("raise alerts"), 403);
    const { to, ...said } = c.req.valid("json");
    const alert = { ...said, by: name };
    if (to === TO_OPERATOR) return c.json(await flows.alerts.raise(alert), 200);
    const open = site.members.flatMap(({ id }) => (mayUse(rights, "members", id) ? [id] : []));
    const members = to === TO_MEMBERS ? open : open.filter((id) => id === to);
    if (members.length === 0 && (to === TO_MEMBERS || !mayUse(rights, "members", to)))
      return c.json(closed(`tell ${to} anything`), 403);
    if (members.length === 0) return c.json({ error: `There is no member "${to}".` }, 404);
    return c.json({ ...(await flows.alerts.tell({ ...alert, members })), members: members.length }, 200);
  });
}

function summaryRoute(api: OpenAPIHono<FlowsEnv>, portal: FlowsPortal): void {
  const description =
    "What policy and consent say of it. A yes leaves with the gate's next pass; a no is not kept";
  const responses = { 200: json(handedSchema, description), ...problems };
  const request = bodyOf(summarySchema);
  const path = "/api/flows/v1/summaries";
  api.openapi(createRoute({ method: "post", path, tags: tags.flows, request, responses }), async (c) => {
    const { farm, ...rest } = c.req.valid("json");
    if (!mayUse(c.var.grant.rights, "summaries", rest.member))
      return c.json(closed(`hand over a summary of ${rest.member}`), 403);
    const known = Object.entries(farm).filter(([, value]) => value !== undefined);
    const handed = { ...rest, farm: { coverage: farm.coverage, ...Object.fromEntries(known) } };
    return c.json(await handSummary(handed, portal), 200);
  });
}

const SIMULATOR_TIMEOUT_MS = 5_000;

/** Faults go to simulators, which the site file of a real village does not name. */
function faultRoute(api: OpenAPIHono<FlowsEnv>, { flows }: FlowsPortal): void {
  const responses = {
    204: { description: "The simulator has it" },
    ...problems,
    502: json(problemSchema, "The simulator does not answer, or has no such device"),
  };
  const request = bodyOf(faultSchema);
  const path = "/api/flows/v1/faults";
  api.openapi(createRoute({ method: "post", path, tags: tags.flows, request, responses }), async (c) => {
    const { simulator } = flows.settings;
    if (!c.var.grant.rights.faults || simulator === undefined) return c.json(closed("make faults"), 403);
    try {
      const answer = await fetch(new URL("/faults", simulator), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(c.req.valid("json")),
        signal: AbortSignal.timeout(SIMULATOR_TIMEOUT_MS),
      });
      return answer.ok ? c.body(null, 204) : c.json({ error: (await answer.text()).slice(0, 500) }, 502);
    } catch (error) {
      return c.json({ error: `The simulator does not answer: ${messageOf(error)}` }, 502);
    }
  });
}

/** Asked by the gateway's own Node-RED: whether an editor's pass is of an operator who is signed in. */
function sessionRoute(api: OpenAPIHono<FlowsEnv>, { flows, accounts }: FlowsPortal): void {
  const asked = z.strictObject({ token: z.string().max(200) });
  api.post("/api/flows/v1/editor-session", async (c) => {
    if (!flows.isOwn(c.var.token)) return c.json(closed("ask that"), 403);
    const { data } = asked.safeParse(await c.req.json().catch(() => undefined));
    const session = data && flows.editor.sessionOf(data.token);
    const person = session === undefined ? undefined : accounts.session(session);
    return person?.role === "operator" ? c.body(null, 204) : c.json({ error: "Not signed in." }, 401);
  });
}
