import { join } from "node:path";
import { Hono } from "hono";
import type { Clock, Entropy } from "../../domain/model/index.ts";
import {
  openAccounts,
  openAssets,
  openSessions,
  openWebServer,
  renderPage,
  sameOriginPosts,
  secretNotice,
  securityHeaders,
  signInRoutes,
  webRoutes,
  writeOperatorLink,
  type Accounts,
  type Assets,
  type Sessions,
} from "../../platform/web/index.ts";
import type { Queryable } from "../storage/index.ts";
import { readFigures } from "./figures.ts";
import { readLogs } from "./logs.ts";
import { hubBody } from "./page.ts";
import { readPolicies } from "./policies.ts";
import { readStatistics } from "./statistics.ts";

/** The hub's page for its operator, who comes in by a one-time link first and may then choose a password. */
export interface PortalOptions {
  readonly name: string;
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly storage: Queryable;
  /** Tells which policy's day has come. */
  readonly clock: Pick<Clock, "now">;
  readonly wallNow: () => number;
  readonly entropy: Entropy;
}

export interface Portal extends AsyncDisposable {
  readonly port: number;
}

/**
 * Opens the page, and writes `operator-link` into the data folder: an address that signs in once, until
 * the operator has a password.
 * @throws FieldwattError PORT_BUSY
 */
export async function openPortal(options: PortalOptions): Promise<Portal> {
  const { data, wallNow, entropy } = options;
  await using opened = new AsyncDisposableStack();
  const accounts = opened.use(openAccounts({ path: join(data, "accounts.sqlite"), wallNow, entropy }));
  const app = hubApp(options, accounts);
  const server = opened.use(await openWebServer({ app, host: options.host, port: options.port }));
  await writeOperatorLink(accounts, { folder: data, url: server.url });
  const kept = opened.move();
  return { port: server.port, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function hubApp(options: PortalOptions, accounts: Accounts): Hono {
  const assets = openAssets([new URL("./assets/", import.meta.url)]);
  const sessions = openSessions(accounts, "fieldwatt-hub");
  const product = options.name;
  const app = new Hono();
  app.use("*", securityHeaders, sameOriginPosts);
  app.route("/", webRoutes({ assets, product }));
  app.route("/", signInRoutes({ accounts, sessions, assets, product, home: () => "/" }));
  app.route("/", pageRoutes(options, { assets, sessions }));
  return app;
}

function pageRoutes(
  { name, storage, clock }: PortalOptions,
  { assets, sessions }: { assets: Assets; sessions: Sessions },
): Hono {
  const routes = new Hono();
  routes.get("/", sessions.require("operator"), async (c) => {
    const [figures, logs] = [await readFigures(storage), await readLogs(storage)];
    const policies = await readPolicies(storage, clock.now());
    const statistics = await readStatistics(storage);
    const page = renderPage({
      assets,
      product: name,
      title: "Hub",
      language: "en",
      signOut: "Sign out",
      asOf: "The hub cannot be reached: this is its page as it was last seen.",
      body: hubBody({ figures, logs, policies, statistics }, secretNotice(c.var.person, "en")),
      scripts: ["refresh.js"],
      styles: ["hub.css"],
    });
    return c.html(page);
  });
  return routes;
}
