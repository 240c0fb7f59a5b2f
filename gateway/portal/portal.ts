import { Hono, type Context } from "hono";
import { fromLocal, messageOf, toIso } from "../../domain/model/index.ts";
import {
  openAssets,
  openSessions,
  openWebServer,
  sameOriginPosts,
  securityHeaders,
  signInRoutes,
  webRoutes,
  type SessionEnv,
  type WebServer,
} from "../../platform/web/index.ts";
import { openGovernance } from "../governance/active.ts";
import { alertPages } from "./alerts-card.ts";
import { apiRoutes } from "./api.ts";
import { homeOf, type Portal, type PortalContext, type PortalOptions } from "./context.ts";
import { energyPage, settleEvent } from "./continuity.ts";
import { governanceRoutes } from "./governance-routes.ts";
import { memberPage } from "./member-page.ts";
import { CLAIM_DAYS, operatorPage } from "./operator-page.ts";
import { logRoutes } from "./log-api.ts";
import { checkPage } from "./proof-page.ts";
import { leftPage } from "./sharing-left.ts";
import { sharingPages } from "./sharing-routes.ts";

/** Pages and HTTP API of the gateway: members see their own house, operators the village's devices. */
export type { PortalHealth, PortalOptions } from "./context.ts";

const PORTAL_ASSETS = new URL("./assets/", import.meta.url);

/** Listens; rejects with PORT_BUSY. */
export const openPortal = (
  options: PortalOptions & { readonly host: string; readonly port: number },
): Promise<WebServer> =>
  openWebServer({ app: createPortal(options), host: options.host, port: options.port });

/** The gate's own look at the policy is in the log. */
const TOLD_ELSEWHERE = { info: () => undefined, error: () => undefined };

/** The app without a socket, for tests. Every member of the site file becomes a known person, without a secret. */
export function createPortal(options: PortalOptions): Hono<SessionEnv> {
  const { site, store, clock, accounts, log } = options;
  for (const { id } of site.members) accounts.addPerson({ id, role: "member" });
  const assets = openAssets([PORTAL_ASSETS]);
  const sessions = openSessions(accounts, "fieldwatt-gateway");
  const { officers } = site.governance ?? {};
  const governance = openGovernance({ read: store.read, clock, officers, log: TOLD_ELSEWHERE });
  const portal: Portal = { ...options, assets, sessions, governance };
  const app = new Hono<SessionEnv>();
  // Before the check of forms: a neighbour's gateway is no page.
  app.route("/", logRoutes(options));
  flowRoutes(app, portal);
  app.use("*", securityHeaders, sameOriginPosts);
  app.route("/", webRoutes({ assets, product: site.name }));
  app.route("/", signInRoutes({ accounts, sessions, assets, product: site.name, home: homeOf }));
  app.route("/", apiRoutes(portal));
  memberRoutes(app, portal);
  operatorRoutes(app, portal);
  nodesRoutes(app, portal);
  metricsRoute(app, portal);
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, "a page failed");
    return c.text("Something went wrong here. Please try again.", 500);
  });
  return app;
}

/** Programs call them, with a token in place of a session. */
function flowRoutes(app: Hono<SessionEnv>, portal: Portal): void {
  if (!portal.flows) return;
  loadedAtFirstCall(app, ["/api/flows/*", "/operator/flows", "/operator/flows/*"], async () =>
    (await import("./flows.ts")).flowsApp(portal),
  );
}

function nodesRoutes(app: Hono<SessionEnv>, portal: Portal): void {
  const { nodes } = portal;
  if (!nodes) return;
  loadedAtFirstCall(app, ["/operator/nodes", "/operator/nodes/*"], async () =>
    (await import("./nodes.ts")).nodesApp({ ...portal, nodes }),
  );
}

/** Pages of few sites: nobody waits for them at the start. */
function loadedAtFirstCall(
  app: Hono<SessionEnv>,
  paths: readonly string[],
  load: () => Promise<Pick<Hono<SessionEnv>, "fetch"> | undefined>,
): void {
  let loaded: ReturnType<typeof load> | undefined;
  for (const path of paths)
    app.all(path, async (c) => (await (loaded ??= load()))?.fetch(c.req.raw, c.env) ?? c.notFound());
}

function memberRoutes(app: Hono<SessionEnv>, portal: Portal): void {
  const { sessions } = portal;
  app.get("/", sessions.require(), (c) =>
    c.var.person.role === "operator" ? c.redirect("/operator", 303) : memberPage(c, portal),
  );
  app.get("/left", sessions.require("member"), (c) => leftPage(c, portal));
  app.get("/check", (c) => checkPage(c, portal));
  alertPages(app, portal);
  sharingPages(app, portal);
  governanceRoutes(app, portal);
}

function operatorRoutes(app: Hono<SessionEnv>, portal: Portal): void {
  const { sessions, site, accounts, log } = portal;
  app.get("/operator", sessions.require("operator"), (c) => operatorPage(c, portal));
  app.get("/operator/energy", sessions.require("operator"), (c) => energyPage(c, portal));
  app.post("/operator/energy/:id", sessions.require("operator"), (c) => settleEvent(c, portal));
  app.post("/operator/members/:id/claim-code", sessions.require("operator"), (c) => {
    const member = site.members.find(({ id }) => id === c.req.param("id"));
    if (!member) return c.notFound();
    log.info({ operator: c.var.person.id, member: member.id }, "claim code made");
    const code = accounts.makeClaimCode(member.id, { days: CLAIM_DAYS });
    return operatorPage(c, portal, { made: { member: member.id, code } });
  });
  app.post("/operator/clock", sessions.require("operator"), (c) => confirmTime(c, portal));
}

/** The operator says what time it is, on the clocks of the site. */
async function confirmTime(c: PortalContext, portal: Portal): Promise<Response> {
  const { site, time, log } = portal;
  const { now } = await c.req.parseBody();
  const said = typeof now === "string" ? fromLocal(now, site.timeZone) : undefined;
  if (said === undefined) return operatorPage(c, portal, { refused: String(now) });
  try {
    await time.confirm(said);
    log.info({ operator: c.var.person.id, said: toIso(said) }, "the operator said what time it is");
    return c.redirect("/operator", 303);
  } catch (error) {
    return operatorPage(c, portal, { refused: messageOf(error) });
  }
}

/**
 * For a Prometheus on this computer, an operator, or whoever has the token; a proxy on this computer speaks for others,
 * so it is not the first. What devices measure is the members': it needs the operator or the token.
 */
function metricsRoute(app: Hono<SessionEnv>, { metrics, sessions }: Portal): void {
  app.get("/metrics", async (c) => {
    const local = isLoopback(remoteAddress(c)) && c.req.header("x-forwarded-for") === undefined;
    const measured =
      sessions.personOf(c)?.role === "operator" || !!(await metrics.isToken?.(c.req.header("authorization")));
    if (!local && !measured) return c.text("Only on this computer, or with the token of the site file.", 403);
    return c.text(await metrics.render({ measured }), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
}

/** The peer's address; undefined for a request that came through no socket (a test). */
function remoteAddress(c: Context): string | undefined {
  const env = c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return env?.incoming?.socket?.remoteAddress;
}

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (address === "::1" || /^(::ffff:)?127\./.test(address));
