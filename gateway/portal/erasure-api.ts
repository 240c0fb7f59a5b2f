import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { SessionEnv } from "../../platform/web/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { ERASURE_BECAUSE, ERASURE_OUTCOMES } from "../../protocol/erasure.ts";
import { askedFor, type Asked } from "../erasure/asked.ts";
import type { Portal } from "./context.ts";
import { dayOfAnswer } from "./erasure-page.ts";
import { problemSchema } from "./schemas.ts";

/** What others were asked to delete of this member's, and what they signed. */
const tags = ["Member"];
const ERASURES_MAX = 200;
const time = z.int().openapi({ description: "Milliseconds since 1970-01-01T00:00Z" });
const erasuresSchema = z
  .object({
    erasures: z.array(
      z.object({
        ...{ id: z.int(), offer: z.string(), recipient: z.string(), asked: time },
        because: z.enum(ERASURE_BECAUSE),
        releases: z.array(z.int()),
        answered: time.nullable().openapi({ description: "null while the recipient has not answered" }),
        filesCleanBy: time.nullable(),
        backupsCleanBy: time.nullable(),
        parts: z.array(
          z.object({ outcome: z.enum(ERASURE_OUTCOMES), until: time.nullable(), releases: z.array(z.int()) }),
        ),
      }),
    ),
  })
  .openapi("Erasures");
const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: problemSchema } },
});

export function erasureApi(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  const { sessions, store } = portal;
  for (const path of ["/api/erasures", "/api/erasures/*"]) api.use(path, sessions.require("member"));
  const listed = {
    description: "What others were asked to delete of this member's, newest first",
    content: { "application/json": { schema: erasuresSchema } },
  };
  const refusals = { 401: problem("Nobody is signed in"), 403: problem("For another role") };
  api.openapi(
    createRoute({ method: "get", path: "/api/erasures", tags, responses: { 200: listed, ...refusals } }),
    (c) => {
      const all = askedFor(store.read, { member: c.var.person.id, limit: ERASURES_MAX });
      return c.json({ erasures: all.map(shown) }, 200);
    },
  );
  paperRoute(api, portal);
}

function shown({ id, offer, recipient, asked, request, answered }: Asked) {
  const answer = answered?.answer;
  return {
    ...{ id, offer, recipient, asked, because: request.because, releases: request.releases },
    answered: answer?.answered ?? null,
    filesCleanBy: answer?.filesCleanBy ?? null,
    backupsCleanBy: answer?.backupsCleanBy ?? null,
    parts: (answer?.parts ?? []).map(({ until = null, ...part }) => ({ ...part, until })),
  };
}

/** Request and answer with both signatures, to be kept by the member. */
function paperRoute(api: OpenAPIHono<SessionEnv>, portal: Portal): void {
  api.get("/api/erasures/:id/paper", (c) => {
    const all = askedFor(portal.store.read, { member: c.var.person.id, limit: ERASURES_MAX });
    const found = all.find(({ id }) => id === Number(c.req.param("id")));
    if (!found?.answered) return c.json({ error: "There is no such answer." }, 404);
    const { request, answered } = found;
    const name = `deleted-${dayOfAnswer(portal, answered.answer.answered)}-${found.id}.json`;
    return c.body(canonicalJson({ format: "fieldwatt-erasure", request, answer: answered.answer }), 200, {
      "content-type": "application/json",
      "content-disposition": `attachment; filename="${name}"`,
    });
  });
}
