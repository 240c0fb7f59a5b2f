// Keeps the last pages that were seen, and shows them, marked "as of", when the gateway cannot be reached.
// Signing out forgets them.
const PAGES = "pages";
const ASSETS = "assets";
const PAGES_MAX = 10;
const ASSETS_MAX = 40;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (new URL(request.url).pathname.startsWith("/assets/")) event.respondWith(asset(request));
});

async function page(request) {
  const cache = await caches.open(PAGES);
  try {
    const answer = await fetch(request);
    const { pathname } = new URL(request.url);
    if (pathname === "/sign-in") await caches.delete(PAGES);
    // A redirect is opaque here: the browser follows it with a request of its own. A file that is downloaded is no page.
    else if (answer.ok && answer.type === "basic" && isPage(answer) && !pathname.startsWith("/once/"))
      await keep(cache, request, answer, PAGES_MAX);
    return answer;
  } catch (error) {
    const kept = await cache.match(request);
    if (!kept) throw error;
    const text = (await kept.text()).replace("data-as-of hidden", "data-as-of");
    return new Response(text, { headers: kept.headers });
  }
}

const isPage = (answer) =>
  String(answer.headers.get("content-type")).startsWith("text/html") &&
  !answer.headers.has("content-disposition");

async function asset(request) {
  const cache = await caches.open(ASSETS);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await keep(cache, request, answer, ASSETS_MAX);
  return answer;
}

async function keep(cache, request, answer, most) {
  await cache.delete(request);
  await cache.put(request, answer.clone());
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - most))) await cache.delete(old);
}
