import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { memberId, type Day } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import { proofOf } from "../release/proof.ts";
import type { Portal } from "./context.ts";
import { proofKeysOf } from "./proof-keys.ts";
import { problemSchema } from "./schemas.ts";
import { leftInMonth } from "./shared.ts";

/** What left in a month, and the proof of one release. The member is always the one of the session. */
const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: problemSchema } },
});
const refusals = { 401: problem("Nobody is signed in"), 403: problem("For another role") };

const proofSchema = z
  .object({
    format: z.literal("fieldwatt-egress-proof"),
    version: z.literal(1),
    log: z.string(),
    witnesses: z.array(z.string()),
    leaf: z.string(),
    item: z.string(),
    member: z.object({ id: z.string(), salt: z.string() }),
    proof: z.string(),
  })
  .openapi("EgressProof", {
    description: "Checked by `fieldwatt egress verify FILE`, and on the page /check, without this gateway",
  });

const monthSchema = z
  .object({ month: z.string(), days: z.array(z.object({ day: z.iso.date(), count: z.int().nonnegative() })) })
  .openapi("LeftInMonth");

export function proofRoutes(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { site, store, sessions } = portal;
  api.use("/api/releases/*", sessions.require("member"));
  const month = z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
    .openapi({ example: "2026-06" });
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/releases/month", tags: ["Member"] },
      request: { query: z.object({ month }) },
      responses: {
        200: {
          description: "How much of this member's left on each day of a month",
          content: { "application/json": { schema: monthSchema } },
        },
        ...refusals,
      },
    }),
    (c) => {
      const asked = c.req.valid("query").month;
      const query = { member: c.var.person.id, day: `${asked}-01` as Day, zone: site.timeZone };
      return c.json({ month: asked, days: [...leftInMonth(store.read, query)] }, 200);
    },
  );
  api.openapi(
    createRoute({
      ...{ method: "get", path: "/api/releases/{sequence}/proof", tags: ["Member"] },
      request: { params: z.object({ sequence: z.coerce.number().int().positive() }) },
      responses: {
        200: {
          description: "That this release left, and stands in the egress log",
          content: { "application/json": { schema: proofSchema } },
        },
        404: problem("No such release of this member, or no signed head covers it yet"),
        ...refusals,
      },
    }),
    (c) => {
      const { sequence } = c.req.valid("param");
      const member = memberId(c.var.person.id);
      const proof = proofOf(store.read, { sequence, member }, proofKeysOf(portal));
      if (!proof) return c.json({ error: "There is no such proof of yours." }, 404);
      c.header("content-disposition", `attachment; filename="${site.id}-release-${sequence}.json"`);
      return c.json(proof, 200);
    },
  );
}
