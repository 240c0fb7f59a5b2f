import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPortal } from "../../gateway/portal/portal.ts";
import type { WebServer } from "../../platform/web/index.ts";
import { openBrowser, type TestBrowser } from "./browser.ts";
import { openSeeded, type Seeded } from "./seeded-portal.ts";

export const PHONE = { width: 360, height: 780 };
export const LAPTOP = { width: 1280, height: 900 };

/** A real browser before a portal with a made-up day. */
export interface PortalAtBrowser extends AsyncDisposable {
  /** Of its own; goes with it. */
  readonly folder: string;
  readonly seeded: Seeded;
  readonly portal: WebServer;
  readonly browser: TestBrowser;
  /** Signs a person in once. */
  linkFor(person: string): string;
}

export async function openPortalAtBrowser(): Promise<PortalAtBrowser> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "fieldwatt-browser-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const seeded = stack.use(await openSeeded(folder));
  const portal = stack.use(await openPortal({ ...seeded.options, host: "127.0.0.1", port: 0 }));
  const browser = stack.use(await openBrowser());
  const open = stack.move();
  return {
    ...{ folder, seeded, portal, browser },
    linkFor: (person) => `${portal.url}/once/${seeded.accounts.makeLink(person, { minutes: 5 })}`,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Where a person is after the link's own page. */
export const afterLink = (url: URL): boolean => !url.pathname.startsWith("/once/");
