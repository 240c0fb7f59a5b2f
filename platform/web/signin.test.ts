import { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import {
  openAccounts,
  openAssets,
  openSessions,
  sameOriginPosts,
  securityHeaders,
  signInRoutes,
} from "./index.ts";
import type { Accounts, SessionEnv } from "./index.ts";

const HOST = "http://gateway.local";
let accounts: Accounts;
let app: Hono<SessionEnv>;

beforeEach(() => {
  let call = 0;
  const entropy = (bytes: number) =>
    Uint8Array.from({ length: bytes }, (_, i) => ((call += 1) * 37 + i) % 256);
  accounts = openAccounts({ path: ":memory:", wallNow: () => Date.UTC(2026, 5, 15), entropy });
  accounts.addPerson({ id: "house-01", role: "member" });
  accounts.addPerson({ id: "boss", role: "operator" });
  const sessions = openSessions(accounts, "fieldwatt-test");
  app = new Hono<SessionEnv>();
  app.use("*", securityHeaders, sameOriginPosts);
  app.route(
    "/",
    signInRoutes({ accounts, sessions, assets: openAssets(), product: "Test <village>", home: () => "/" }),
  );
  app.get("/", sessions.require(), (c) => c.text(`hello ${c.var.person.id}`));
  app.get("/operator", sessions.require("operator"), (c) => c.text("operator"));
  app.get("/api/mine", sessions.require(), (c) => c.json(c.var.person.id));
  app.get("/api/all", sessions.require("operator"), (c) => c.json("all"));
});

const post = (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  app.request(HOST + path, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { origin: HOST, host: "gateway.local", ...headers },
  });
const cookieOf = (answer: Response) => (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
const get = (path: string, cookie = "") => app.request(HOST + path, { headers: { cookie } });

describe("a one-time link", () => {
  it("is not used up by looking at it", async () => {
    const token = accounts.makeLink("boss", { minutes: 5 });
    const page = await get(`/once/${token}`);
    expect(await page.text()).toContain('<form method="post" data-send-at-once>');
    expect(page.headers.get("set-cookie")).toBeNull();
    expect((await post(`/once/${token}`)).status).toBe(303);
  });

  it("signs in with a cookie that scripts and other sites cannot use", async () => {
    const answer = await post(`/once/${accounts.makeLink("boss", { minutes: 5 })}`);
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^fieldwatt-test=[\w-]{43};/);
    for (const part of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"])
      expect(cookie).toContain(part);
    expect(cookie).not.toContain("Secure");
    expect(await (await get("/", cookieOf(answer))).text()).toBe("hello boss");
  });

  it("marks the cookie secure behind https", async () => {
    const answer = await post(
      `/once/${accounts.makeLink("boss", { minutes: 5 })}`,
      {},
      { "x-forwarded-proto": "https" },
    );
    expect(answer.headers.get("set-cookie")).toContain("Secure");
  });

  it("is refused the second time", async () => {
    const token = accounts.makeLink("boss", { minutes: 5 });
    await post(`/once/${token}`);
    const again = await post(`/once/${token}`);
    expect(again.status).toBe(403);
    expect(await again.text()).toContain("used already");
  });
});

describe("claim, sign out, sign in", () => {
  it("walks the whole way of a member", async () => {
    const claimed = await post("/claim", {
      code: accounts.makeClaimCode("house-01", { days: 7 }),
      pin: "4711",
    });
    const cookie = cookieOf(claimed);
    expect(await (await get("/", cookie)).text()).toBe("hello house-01");
    expect((await post("/sign-out", {}, { cookie })).headers.get("location")).toBe("/sign-in");
    expect((await get("/", cookie)).headers.get("location")).toBe("/sign-in");
    const back = await post("/sign-in", { id: "house-01", secret: "4711" });
    expect(await (await get("/", cookieOf(back))).text()).toBe("hello house-01");
  });

  it.each(["123", "123456789", "12a4", ""])(
    "takes no PIN like %j, and does not use the code up",
    async (pin) => {
      const code = accounts.makeClaimCode("house-01", { days: 7 });
      expect((await post("/claim", { code, pin })).status).toBe(403);
      expect((await post("/claim", { code, pin: "1234" })).status).toBe(303);
    },
  );

  it("escapes what was typed when it shows the form again", async () => {
    const page = await (await post("/sign-in", { id: '"><script>alert(1)</script>', secret: "0" })).text();
    expect(page).not.toContain("<script>alert");
    expect(page).toContain("Test &lt;village&gt;");
  });

  it("speaks Swahili to a browser that asks for it", async () => {
    const page = await app.request(`${HOST}/sign-in`, {
      headers: { "accept-language": "sw-KE,sw;q=0.9,en;q=0.5" },
    });
    expect(await page.text()).toContain('<html lang="sw">');
  });
});

describe("choosing a secret", () => {
  const byLink = async (id: string) => cookieOf(await post(`/once/${accounts.makeLink(id, { minutes: 5 })}`));

  it("lets an operator who came by a link choose a password", async () => {
    const cookie = await byLink("boss");
    expect((await post("/secret", { secret: "too short" }, { cookie })).status).toBe(403);
    expect((await post("/secret", { secret: "maize beans goats" }, { cookie })).status).toBe(303);
    expect((await post("/sign-in", { id: "boss", secret: "maize beans goats" })).status).toBe(303);
  });

  it("asks for the present secret before it takes a new one, and ends other sessions", async () => {
    const cookie = await byLink("house-01");
    await accounts.setSecret("house-01", "4711");
    expect((await post("/secret", { secret: "1234", present: "0000" }, { cookie })).status).toBe(403);
    const changed = await post("/secret", { secret: "1234", present: "4711" }, { cookie });
    expect(changed.status).toBe(303);
    expect((await get("/", cookie)).status).toBe(303);
    expect((await get("/", cookieOf(changed))).status).toBe(200);
  });

  it("needs a session", async () => {
    expect((await post("/secret", { secret: "maize beans goats" })).headers.get("location")).toBe("/sign-in");
  });
});

describe("who may see what", () => {
  it.each([
    ["nobody", "/", 303],
    ["nobody", "/operator", 303],
    ["nobody", "/api/mine", 401],
    ["nobody", "/api/all", 401],
    ["house-01", "/", 200],
    ["house-01", "/operator", 403],
    ["house-01", "/api/mine", 200],
    ["house-01", "/api/all", 403],
    ["boss", "/operator", 200],
    ["boss", "/api/all", 200],
  ])("%s gets from %s the status %i", async (id, path, status) => {
    const cookie =
      id === "nobody" ? "" : cookieOf(await post(`/once/${accounts.makeLink(id, { minutes: 5 })}`));
    expect((await get(path, cookie)).status).toBe(status);
  });
});

describe("a form from elsewhere", () => {
  it.each([
    ["another site", { origin: "http://evil.example" }],
    ["another port of this host", { origin: "http://gateway.local:9999" }],
    ["a page that hides its origin", { origin: "null" }],
    ["another site, as the browser says", { "sec-fetch-site": "cross-site" }],
    ["another program of this site", { "sec-fetch-site": "same-site" }],
  ])("of %s is refused", async (_, headers) => {
    expect((await post("/sign-in", { id: "house-01", secret: "1" }, headers)).status).toBe(403);
    const token = accounts.makeLink("boss", { minutes: 5 });
    await post(`/once/${token}`, {}, headers);
    expect(accounts.useLink(token)).toBeDefined();
  });

  it("without any origin is refused", async () => {
    const answer = await app.request(`${HOST}/sign-out`, { method: "POST" });
    expect(answer.status).toBe(403);
  });

  it("that is too large is refused", async () => {
    expect((await post("/sign-in", { id: "x".repeat(20_000) })).status).toBe(413);
  });
});
