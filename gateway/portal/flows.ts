import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { hasCode } from "../../domain/model/index.ts";
import { sameOriginPosts, securityHeaders, type SessionEnv } from "../../platform/web/index.ts";
import type { Portal } from "./context.ts";
import { actuatorRoutes } from "./flows-actuators.ts";
import { dataRoutes } from "./flows-data.ts";
import { flowPages } from "./flows-pages.ts";
import { streamRoute } from "./flows-stream.ts";
import type { FlowsEnv, FlowsPortal } from "./flows-context.ts";
import { writeRoutes } from "./flows-writes.ts";

/**
 * What operators' flows call: HTTP and server-sent events below /api/flows/v1, each call with a token that the operator
 * made. Loaded where the site file says `flows:`.
 */
const BODY_BYTES_MAX = 512 * 1024;

/** The API and the operator's page of it; undefined where the site has no flows. */
export function flowsApp(portal: Portal): OpenAPIHono<SessionEnv> | undefined {
  const { flows } = portal;
  if (!flows) return undefined;
  const own: FlowsPortal = { ...portal, flows };
  const app = new OpenAPIHono<SessionEnv>();
  app.route("/", flowsApi(own));
  app.use("/operator/*", securityHeaders, sameOriginPosts);
  flowPages(app, own);
  return app;
}

function flowsApi(portal: FlowsPortal): OpenAPIHono<FlowsEnv> {
  const { flows, site, log } = portal;
  const api = new OpenAPIHono<FlowsEnv>();
  api.get("/api/flows/openapi.json", (c) =>
    c.json(
      api.getOpenAPI31Document({
        openapi: "3.1.0",
        info: { title: `Fieldwatt flows: ${site.name}`, version: "1", license: { name: "Apache-2.0" } },
        security: [{ token: [] }],
      }),
    ),
  );
  api.openAPIRegistry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  api.use("/api/flows/v1/*", bodyLimit({ maxSize: BODY_BYTES_MAX }), async (c, next) => {
    const token = /^Bearer (\S+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    const grant = token === undefined ? undefined : flows.grantOf(token);
    if (token === undefined || !grant)
      return c.json({ error: "This token opens nothing: it is unknown, over or revoked." }, 401);
    c.set("grant", grant);
    c.set("token", token);
    return next();
  });
  streamRoute(api, portal);
  dataRoutes(api, portal);
  writeRoutes(api, portal);
  actuatorRoutes(api, portal);
  api.onError((error, c) => {
    if (hasCode(error, "RECORD_FAILED") || hasCode(error, "RECORD_CLOSED"))
      return c.json({ error: "The record takes nothing now. Keep it and try again." }, 503);
    log.error({ err: error, path: c.req.path }, "a flow's call failed");
    return c.json({ error: "Something went wrong here." }, 500);
  });
  return api;
}
