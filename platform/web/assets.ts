import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname } from "node:path";
import { gzipSync } from "node:zlib";
import { Hono } from "hono";

/**
 * The files that pages need: one stylesheet, small ES modules, uPlot. All of them hang below one address that holds
 * the hash of all contents, so that modules import each other by plain relative names, browsers may keep them for
 * ever, and a new release never mixes with an old one.
 */
export interface Assets {
  /** The address of a file, for example "/assets/3f2a…/style.css". Throws RangeError for a name that is not there. */
  url(name: string): string;
  readonly routes: Hono;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const FOREVER = "public, max-age=31536000, immutable";
const SHARED_FOLDER = new URL("./assets/", import.meta.url);

interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer>;
}

/** uPlot ships its small build as a plain script; one line makes a module of it. */
function uPlotFiles(): [string, Buffer][] {
  const main = createRequire(import.meta.url).resolve("uplot");
  const beside = (name: string) => readFileSync(main.replace(/[^/\\]+$/, name));
  const script = Buffer.concat([beside("uPlot.iife.min.js"), Buffer.from("\nexport default uPlot;\n")]);
  return [
    ["uplot.js", script],
    ["uplot.css", beside("uPlot.min.css")],
  ];
}

const filesOf = (folder: URL): [string, Buffer][] =>
  readdirSync(folder)
    .filter((name) => extname(name) in TYPES)
    .sort()
    .map((name) => [name, withPlainImports(readFileSync(new URL(name, folder)))]);

/** A browser knows no package names: modules import uPlot as editors and checks see it, and are served its address. */
const withPlainImports = (content: Buffer): Buffer =>
  Buffer.from(content.toString().replace('from "uplot"', 'from "./uplot.js"'));

const sha256 = (content: Uint8Array): string =>
  createHash("sha256").update(content).digest("hex").slice(0, 16);

const asset = (name: string, content: Buffer): Asset => ({
  type: TYPES[extname(name)] ?? "application/octet-stream",
  etag: `"${sha256(content)}"`,
  plain: new Uint8Array(content),
  gzipped: new Uint8Array(gzipSync(content)),
});

/** Reads the shared files, and those of `folders` (a portal's own modules), once. */
export function openAssets(folders: readonly URL[] = []): Assets {
  const contents = [...uPlotFiles(), ...[SHARED_FOLDER, ...folders].flatMap(filesOf)];
  const assets = new Map(contents.map(([name, content]) => [name, asset(name, content)]));
  const set = sha256(Buffer.from([...assets].map(([name, { etag }]) => name + etag).join("\n")));
  const serviceWorker = assets.get("service-worker.js");

  const routes = new Hono();
  routes.get("/assets/:set/:name", (c) => {
    const found = c.req.param("set") === set ? assets.get(c.req.param("name")) : undefined;
    return found ? send(c.req.raw, found, FOREVER) : c.notFound();
  });
  // A worker may only look after pages at or below its own address, and browsers must see a new one soon.
  routes.get("/service-worker.js", (c) =>
    serviceWorker ? send(c.req.raw, serviceWorker, "no-cache") : c.notFound(),
  );

  return {
    url(name) {
      if (!assets.has(name)) throw new RangeError(`There is no asset "${name}"`);
      return `/assets/${set}/${name}`;
    },
    routes,
  };
}

function send(request: Request, found: Asset, cacheControl: string): Response {
  const headers = new Headers({ etag: found.etag, "cache-control": cacheControl, vary: "accept-encoding" });
  if (request.headers.get("if-none-match") === found.etag)
    return new Response(null, { status: 304, headers });
  headers.set("content-type", found.type);
  const gzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
  if (gzip) headers.set("content-encoding", "gzip");
  return new Response(gzip ? found.gzipped : found.plain, { headers });
}
