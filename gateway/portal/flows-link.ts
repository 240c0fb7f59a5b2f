import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import { alertsOf } from "../flows/commands.ts";
import type { Portal, Speech } from "./context.ts";
import { flowWords } from "./flows-messages.ts";
import { fill } from "./format.ts";

const COUNTED_MAX = 100;

/** The way to the page of flows, and how many alerts wait there; nothing where the site has no flows. */
export function flowsLink({ flows, store }: Portal, { f, language }: Speech): Html | "" {
  if (!flows) return "";
  const w = flowWords(language);
  const alerts = alertsOf(store.read, COUNTED_MAX).length;
  return html`<a href="/operator/flows">${w.link}</a>
    ${alerts > 0 ? html`<span class="bad">${fill(w.alertsWaiting, { n: f.number(alerts) })}</span>` : ""}`;
}
