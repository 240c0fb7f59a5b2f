import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { FieldwattError } from "../../domain/model/index.ts";
import type { SessionEnv } from "../../platform/web/index.ts";
import type { NodeOrder } from "../nodes/jobs.ts";
import { FIELD_LINK_BAUD } from "../nodes/open.ts";
import type { PortalContext } from "./context.ts";
import { nodesPage, type NodesPortal } from "./nodes-page.ts";

/** The largest image that MCUboot's slots of such nodes take, and the form around it. */
const FORM_BYTES_MAX = 5 * 1024 * 1024;
/** The page shows whichever job is the last; only the command line looks for its own. */
const HERE = { id: "operator's page" };
const INTERVAL_MAX = 65_535;
/** How long the button is waited for. */
const WINDOW_MS = 60_000;

/** The operator's page of field nodes: what they are, provisioning, updates and how far a job is. */
export function nodesApp(portal: NodesPortal): Hono<SessionEnv> {
  const app = new Hono<SessionEnv>();
  const operator = portal.sessions.require("operator");
  app.get("/operator/nodes", operator, async (c) => nodesPage(c, portal, { lines: await linesFor(portal) }));
  app.post("/operator/nodes/provision", operator, (c) => begin(c, portal, provisionOrder));
  app.post("/operator/nodes/update", operator, bodyLimit({ maxSize: FORM_BYTES_MAX }), (c) =>
    begin(c, portal, updateOrder),
  );
  return app;
}

async function begin(
  c: PortalContext,
  portal: NodesPortal,
  orderOf: (c: PortalContext, lines: readonly string[]) => Promise<NodeOrder>,
): Promise<Response> {
  const lines = await linesFor(portal);
  try {
    await portal.nodes.jobs.begin(await orderOf(c, lines));
    return c.redirect("/operator/nodes#job", 303);
  } catch (error) {
    if (!(error instanceof FieldwattError)) throw error;
    return nodesPage(c, portal, { lines, refused: error.message });
  }
}

/** Only a line that the page offered: a form names no file of the machine. */
async function provisionOrder(c: PortalContext, lines: readonly string[]): Promise<NodeOrder> {
  const { line, interval } = await c.req.parseBody();
  const path = lines.find((one) => one === line);
  const seconds = Number(interval);
  if (path === undefined)
    throw new FieldwattError("OPTION_INVALID", `there is no serial line "${String(line)}"`);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > INTERVAL_MAX)
    throw new FieldwattError("OPTION_INVALID", `the seconds are a whole number from 1 to ${INTERVAL_MAX}`);
  const about = { ...HERE, by: c.var.person.id, kind: "provision" } as const;
  return { ...about, line: { path, baudRate: FIELD_LINK_BAUD }, interval: seconds, windowMs: WINDOW_MS };
}

async function updateOrder(c: PortalContext): Promise<NodeOrder> {
  const { image, node } = await c.req.parseBody({ all: true });
  const numbers = (Array.isArray(node) ? node : [node]).map(Number).filter((number) => number > 0);
  if (numbers.length === 0) throw new FieldwattError("OPTION_INVALID", "choose the nodes");
  if (!(image instanceof File) || image.size === 0)
    throw new FieldwattError("OPTION_INVALID", "choose an image");
  const bytes = new Uint8Array(await image.arrayBuffer());
  return { ...HERE, by: c.var.person.id, kind: "update", image: bytes, numbers };
}

/** Lines of the site's nodes, and serial adapters of this machine by names that find them again in another socket. */
async function linesFor({ nodes, site }: NodesPortal): Promise<readonly string[]> {
  const folder = "/dev/serial/by-id";
  const adapters = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  const used = new Set(site.devices.map(({ connection }) => ("path" in connection ? connection.path : "")));
  const own = nodes.lines.map(({ path }) => path);
  return [...own, ...adapters.filter((path) => !used.has(path))];
}
