import { Hono, type MiddlewareHandler } from "hono";
import { html } from "hono/html";
import type { Assets } from "./assets.ts";
import type { Language } from "./language.ts";

/**
 * The frame of every page: light for a cheap phone, readable without JavaScript, nothing from another host.
 * Values in `html` templates are escaped unless they are `html` themselves.
 */
export type Html = ReturnType<typeof html>;

export interface NavItem {
  readonly href: string;
  readonly label: string;
  readonly current?: boolean;
}

export interface Page {
  readonly assets: Assets;
  /** The name in the head of the page, for example the village's. */
  readonly product: string;
  readonly title: string;
  readonly language: Language;
  readonly nav?: readonly NavItem[];
  /** The label of the sign-out button; absent where nobody is signed in. */
  readonly signOut?: string;
  /** A button that changes the language of a signed-in person. */
  readonly otherLanguage?: { readonly code: Language; readonly label: string };
  /** What is said when the page is old because the gateway cannot be reached, for example "As of 14:05". */
  readonly asOf?: string;
  readonly body: Html;
  /** Names of modules in the assets. */
  readonly scripts?: readonly string[];
  readonly styles?: readonly string[];
}

export function renderPage(page: Page): Html {
  const { assets } = page;
  const styles = ["style.css", ...(page.styles ?? [])];
  const scripts = ["shell.js", ...(page.scripts ?? [])];
  return html`<!doctype html>
    <html lang="${page.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#f7f3ea" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#161a17" media="(prefers-color-scheme: dark)" />
        <title>${page.title} · ${page.product}</title>
        <link rel="icon" href="${assets.url("icon.svg")}" type="image/svg+xml" />
        <link rel="manifest" href="/manifest.webmanifest" />
        ${styles.map((name) => html`<link rel="stylesheet" href="${assets.url(name)}" />`)}
        ${scripts.map((name) => html`<script type="module" src="${assets.url(name)}"></script>`)}
      </head>
      <body>
        <header class="top">
          <a class="brand" href="/"
            ><img src="${assets.url("icon.svg")}" alt="" width="28" height="28" />${page.product}</a
          >
          ${renderNav(page)}
        </header>
        <main>
          <p class="notice as-of" data-as-of hidden>${page.asOf ?? ""}</p>
          ${page.body}
        </main>
      </body>
    </html>`;
}

function renderNav({ nav = [], signOut, otherLanguage: other }: Page): Html {
  if (nav.length === 0 && signOut === undefined) return html``;
  return html`<nav>
    ${nav.map((item) => html`<a href="${item.href}" ${item.current ? html`aria-current="page"` : ""}>${item.label}</a>`)}
    ${
      other
        ? html`<form method="post" action="/language">
            <button class="quiet" name="language" value="${other.code}" lang="${other.code}">
              ${other.label}
            </button>
          </form>`
        : ""
    }
    ${
      signOut === undefined
        ? ""
        : html`<form method="post" action="/sign-out"><button class="quiet">${signOut}</button></form>`
    }
  </nav>`;
}

/** Everything comes from this host, nothing inline, no frame around it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * Headers of every answer. The referrer stays within the host; "no-referrer" would also blank the Origin of forms,
 * which the check of `sameOriginPosts` needs. Pages are personal: no cache but the phone's own service worker.
 */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set("content-security-policy", CONTENT_SECURITY_POLICY);
  headers.set("x-content-type-options", "nosniff");
  headers.set("x-frame-options", "DENY");
  headers.set("referrer-policy", "same-origin");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("permissions-policy", "camera=(), microphone=(), geolocation=()");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
};

/**
 * A form or a call that changes something must come from a page of this host: browsers say so in Sec-Fetch-Site,
 * or in Origin. Without either the answer is 403 (a command-line client sets Origin itself).
 */
export const sameOriginPosts: MiddlewareHandler = async (c, next) => {
  if (["GET", "HEAD", "OPTIONS"].includes(c.req.method) || fromThisHost(c.req.raw.headers, c.req.url))
    return next();
  return c.text("This form was sent from another page. Open the page again and repeat.", 403);
};

function fromThisHost(headers: Headers, url: string): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = headers.get("origin");
  if (origin === null || !URL.canParse(origin)) return false;
  return new URL(origin).host === (headers.get("host") ?? new URL(url).host);
}

/** Assets, the web manifest (so that a phone can install the page) and the service worker. */
export function webRoutes(options: { readonly assets: Assets; readonly product: string }): Hono {
  const { assets, product } = options;
  const routes = new Hono();
  routes.route("/", assets.routes);
  routes.get("/manifest.webmanifest", (c) =>
    c.body(
      JSON.stringify({
        name: product,
        short_name: product.slice(0, 12),
        start_url: "/",
        display: "standalone",
        background_color: "#f7f3ea",
        theme_color: "#1c6b4a",
        icons: [{ src: assets.url("icon.svg"), sizes: "any", type: "image/svg+xml", purpose: "any" }],
      }),
      200,
      { "content-type": "application/manifest+json", "cache-control": "no-cache" },
    ),
  );
  return routes;
}
