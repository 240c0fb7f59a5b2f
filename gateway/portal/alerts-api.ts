import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { SessionEnv } from "../../platform/web/index.ts";
import { alertsTo, MEMBER_ALERTS_KEPT } from "../flows/member-alerts.ts";
import type { Portal } from "./context.ts";
import { problemSchema } from "./schemas.ts";

/** What flows have to say to a member. The member is always the one of the session, never a parameter. */
const tags = ["Member"];
const alertsSchema = z
  .object({
    alerts: z.array(
      z.object({
        id: z.int(),
        key: z.string().openapi({ description: "What it is about" }),
        time: z.int().openapi({ description: "Milliseconds since 1970-01-01T00:00Z" }),
        severity: z.enum(["info", "warning", "alarm"]),
        text: z.string(),
        by: z.string().openapi({ description: "The name of the token by which the flow came in" }),
        sms: z.boolean().nullable().openapi({
          description: "Whether a short message went out; null where none was asked for, or it is on its way",
        }),
      }),
    ),
  })
  .openapi("Alerts");
const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: problemSchema } },
});
const refusals = { 401: problem("Nobody is signed in"), 403: problem("For another role") };

export function alertsApi(api: OpenAPIHono<SessionEnv>, { sessions, store }: Portal): void {
  for (const path of ["/api/alerts", "/api/alerts/*"]) api.use(path, sessions.require("member"));
  const listed = {
    description: "What flows have to say to this member, newest first",
    content: { "application/json": { schema: alertsSchema } },
  };
  api.openapi(
    createRoute({ method: "get", path: "/api/alerts", tags, responses: { 200: listed, ...refusals } }),
    (c) => {
      const all = alertsTo(store.read, c.var.person.id, MEMBER_ALERTS_KEPT);
      return c.json({ alerts: all.map(({ sms = null, ...alert }) => ({ ...alert, sms })) }, 200);
    },
  );
  api.openapi(
    createRoute({
      ...{ method: "delete", path: "/api/alerts/{id}", tags },
      request: { params: z.object({ id: z.coerce.number().int() }) },
      responses: {
        204: { description: "The member is done with it" },
        ...{ 404: problem("This member has none of this id"), ...refusals },
      },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const had = await store.run("dropMemberAlert", { member: c.var.person.id, id });
      return had ? c.body(null, 204) : c.json({ error: "There is no such alert." }, 404);
    },
  );
}
