import { gunzipSync } from "node:zlib";
import { Hono } from "hono";
import { html } from "hono/html";
import { expect, it } from "vitest";
import { languageOf, openAssets, openWebServer, renderPage, securityHeaders, webRoutes } from "./index.ts";

const assets = openAssets();
const app = new Hono();
app.use("*", securityHeaders);
app.route("/", webRoutes({ assets, product: "Kijiji" }));

it.each([
  ["style.css", "text/css; charset=utf-8"],
  ["shell.js", "text/javascript; charset=utf-8"],
  ["uplot.js", "text/javascript; charset=utf-8"],
  ["icon.svg", "image/svg+xml"],
])("serves %s as %s, for ever", async (name, type) => {
  const answer = await app.request(assets.url(name));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe(type);
  expect(answer.headers.get("cache-control")).toContain("immutable");
  expect((await answer.text()).length).toBeGreaterThan(100);
});

it("answers 304 when the browser has the file, and 404 for another set or name", async () => {
  const etag = (await app.request(assets.url("style.css"))).headers.get("etag") ?? "";
  expect((await app.request(assets.url("style.css"), { headers: { "if-none-match": etag } })).status).toBe(
    304,
  );
  expect((await app.request("/assets/0000000000000000/style.css")).status).toBe(404);
  expect((await app.request(`${assets.url("style.css")}.map`)).status).toBe(404);
  expect((await app.request(assets.url("style.css").replace("style.css", "..%2Faccounts.ts"))).status).toBe(
    404,
  );
});

it("compresses for who asks", async () => {
  const plain = await (await app.request(assets.url("uplot.js"))).text();
  const small = await app.request(assets.url("uplot.js"), { headers: { "accept-encoding": "gzip, br" } });
  expect(small.headers.get("content-encoding")).toBe("gzip");
  expect(gunzipSync(Buffer.from(await small.arrayBuffer())).toString()).toBe(plain);
});

it("keeps what every page loads below 40 kB on the wire, for a cheap phone", async () => {
  let bytes = 0;
  for (const name of ["style.css", "shell.js", "uplot.js", "uplot.css", "curve.js", "icon.svg"]) {
    const answer = await app.request(assets.url(name), { headers: { "accept-encoding": "gzip" } });
    bytes += (await answer.arrayBuffer()).byteLength;
  }
  expect(bytes).toBeLessThan(40_000);
});

it("lets pages load from this host only, nothing inline, in no frame", async () => {
  const policy = (await app.request("/manifest.webmanifest")).headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|http:|https:|\*/);
});

it("can be installed: the manifest names an icon that is there", async () => {
  const manifest = JSON.parse(await (await app.request("/manifest.webmanifest")).text());
  expect(manifest).toMatchObject({ name: "Kijiji", start_url: "/", display: "standalone" });
  expect((await app.request(manifest.icons[0].src)).status).toBe(200);
  expect((await app.request("/service-worker.js")).headers.get("cache-control")).toBe("no-cache");
});

it("escapes values in a page and names no other host", async () => {
  const page = String(
    await renderPage({ assets, product: "A & B", title: "<b>", language: "en", body: html`<p>${"<i>"}</p>` }),
  );
  expect(page).toContain("&lt;b&gt; · A &amp; B");
  expect(page).toContain("<p>&lt;i&gt;</p>");
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
});

it.each([
  [undefined, "en"],
  ["sw", "sw"],
  ["fr-FR,sw;q=0.5,en;q=0.4", "sw"],
  ["en-GB;q=0.9, sw-TZ;q=0.95", "sw"],
  ["sw;q=0, en", "en"],
  ["de", "en"],
])("answers Accept-Language %j in %s", (header, language) => {
  expect(languageOf(header)).toBe(language);
});

it("says PORT_BUSY when another program has the port", async () => {
  await using first = await openWebServer({ app, host: "127.0.0.1", port: 0 });
  expect((await fetch(`${first.url}/manifest.webmanifest`)).status).toBe(200);
  await expect(openWebServer({ app, host: "127.0.0.1", port: first.port })).rejects.toMatchObject({
    code: "PORT_BUSY",
  });
});
