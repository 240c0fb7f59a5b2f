import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import type { Portal, Speech } from "./context.ts";
import { nodeWords } from "./nodes-messages.ts";

/** The way to the page of field nodes; nothing where the site has no `nodes:`. */
export const nodesLink = ({ nodes }: Portal, { language }: Speech): Html | "" =>
  nodes ? html`<a href="/operator/nodes">${nodeWords(language).link}</a>` : "";
