import type { Entropy } from "../domain/model/index.ts";
import type { Definitions } from "../drivers/index.ts";
import { writeOperatorLink } from "../platform/web/operator-link.ts";
import type { Acquisition } from "./acquire/acquisition.ts";
import type { VillageBroker } from "./acquire/village-broker.ts";
import type { PortalOptions } from "./portal/context.ts";

export interface PagesOptions extends Omit<PortalOptions, "flows" | "nodes" | "live"> {
  readonly catalogue: Definitions;
  readonly acquisition: Acquisition;
  readonly broker: VillageBroker | undefined;
  readonly entropy: Entropy;
  /** The world's time, ms. */
  readonly wallNow: () => number;
}

export interface Pages extends AsyncDisposable {
  readonly port: number;
}

/** The pages, with what operators' flows reach and the desk of field nodes where the site file has any. Rejects with PORT_BUSY. */
export async function openPages(options: PagesOptions): Promise<Pages> {
  const { site, accounts, acquisition } = options;
  await using stack = new AsyncDisposableStack();
  const flows = site.flows && (await import("./flows/open.ts")).openFlows(options, site.flows);
  const opened = flows && stack.use(await flows);
  const fieldNodes =
    site.nodes && (await import("./nodes/open.ts")).openSiteNodes({ ...options, flows: opened });
  const nodes = fieldNodes && stack.use(fieldNodes);
  const { openPortal } = await import("./portal/portal.ts");
  const portal = stack.use(
    await openPortal({ ...options, live: acquisition.live, flows: opened, nodes, ...site.portal }),
  );
  await writeOperatorLink(accounts, { folder: site.data, url: portal.url });
  await opened?.begin(portal);
  const all = stack.move();
  return { port: portal.port, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
