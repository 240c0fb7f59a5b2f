import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addMs } from "../../domain/model/index.ts";
import { liveReadings, NOW, openSeeded, type Seeded } from "../support/seeded-portal.ts";
import { openPortal } from "../../gateway/portal/portal.ts";
import type { WebServer } from "../../platform/web/index.ts";

/**
 * A member and an operator at a real browser, over a real record with a made-up day. Screenshots go to a temporary
 * folder, or to the one that FIELDWATT_IMAGES names (docs/images, to renew what the README shows).
 */
const CHROMIUM = "/usr/bin/chromium";
const missing = !existsSync(CHROMIUM);
if (missing && process.env.CI) throw new Error(`${CHROMIUM} is missing: apt-get install chromium`);
if (missing) process.stderr.write("browser test skipped: apt-get install chromium\n");

const PHONE = { width: 360, height: 780 };
const LAPTOP = { width: 1280, height: 900 };
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let folder: string;
let images: string;
let seeded: Seeded;
let portal: WebServer;
let browser: Browser;

/** What the browser complained about; every test ends with none. */
let complaints: string[] = [];

async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    // A page that is left ends its stream of live numbers.
    if (!request.url().endsWith("/api/live"))
      complaints.push(`${request.url()}: ${request.failure()?.errorText}`);
  });
  return page;
}

const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

/** Colours on the plot's canvas that are not transparent: an empty one has none. */
const colours = (page: Page): Promise<number> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector("[data-curve] canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
    return seen.size;
  })()`);

const signedIn = async (context: BrowserContext, person: string): Promise<Page> => {
  const page = await openPage(context);
  await page.goto(`${portal.url}/once/${seeded.accounts.makeLink(person, { minutes: 5 })}`);
  await page.waitForURL((url) => !url.pathname.startsWith("/once/"));
  return page;
};

describe.skipIf(missing)("at a browser", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "fieldwatt-browser-"));
    images = process.env.FIELDWATT_IMAGES ?? folder;
    mkdirSync(images, { recursive: true });
    seeded = await openSeeded(folder);
    portal = await openPortal({ ...seeded.options, host: "127.0.0.1", port: 0 });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  });
  afterAll(async () => {
    await browser.close();
    await portal[Symbol.asyncDispose]();
    await seeded[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ["phone", PHONE],
    ["laptop", LAPTOP],
  ])("a member claims, sets a PIN, comes back with it and sees the day, on a %s", async (name, viewport) => {
    complaints = [];
    await using context = await browser.newContext({ viewport, locale: "en-GB" });
    const page = await openPage(context);
    await page.goto(`${portal.url}/claim`);
    await page.getByLabel("Claim code").fill(seeded.accounts.makeClaimCode("house-01", { days: 7 }));
    await page.getByLabel("New PIN").fill("4711");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    expect(await overflow(page)).toBe(0);
    await page.getByLabel("Your name here").fill("house-01");
    await page.getByLabel("PIN or password").fill("4711");
    await page.getByRole("button", { name: "Sign in" }).click();

    await page.locator("[data-curve] canvas").waitFor();
    expect(await colours(page)).toBeGreaterThan(20);
    expect(await page.locator('[data-figure="using"]').innerText()).toBe("618 W");
    expect(await page.getByText("54 of 58 quarter hours are known").count()).toBe(1);
    expect(await overflow(page)).toBe(0);
    await page.screenshot({ path: join(images, `member-${name}.png`), fullPage: true });
    expect(complaints).toEqual([]);
  });

  it("numbers and curve follow the record without a reload", async () => {
    complaints = [];
    await using context = await browser.newContext({ viewport: PHONE, locale: "en-GB" });
    const page = await signedIn(context, "house-01");
    await page.locator("[data-curve] canvas").waitFor();
    const before = await page.locator("[data-part=balance]").innerText();
    const [grid] = liveReadings(addMs(NOW, 1_000));
    if (grid) seeded.live.update([{ ...grid, value: -30 }]);
    await seeded.closeSlot();
    await page.getByText("1,400 W").waitFor();
    await page.getByText("55 of 58 quarter hours are known").waitFor();
    expect(await page.locator("[data-part=balance]").innerText()).not.toBe(before);
    expect(await colours(page)).toBeGreaterThan(20);
    expect(complaints).toEqual([]);
  });

  it("without JavaScript everything is there: the link by a button, numbers, a picture of the curve, the switch", async () => {
    await using context = await browser.newContext({
      viewport: PHONE,
      javaScriptEnabled: false,
      locale: "en-GB",
    });
    const page = await context.newPage();
    await page.goto(`${portal.url}/once/${seeded.accounts.makeLink("house-02", { minutes: 5 })}`);
    await page.getByRole("button", { name: "Go on" }).click();
    expect(await page.locator('[data-figure="using"]').innerText()).toBe("96 W");
    expect(await page.locator(".curve-still .line-use").boundingBox()).toMatchObject({
      width: expect.any(Number),
    });
    const trading = page.getByRole("switch", { name: "Trading with neighbours" });
    expect(await trading.getAttribute("aria-checked")).toBe("false");
    await trading.click();
    expect(await trading.getAttribute("aria-checked")).toBe("true");
    await page.screenshot({ path: join(images, "no-javascript.png"), fullPage: true });
  });

  it.each([
    ["phone", PHONE],
    ["laptop", LAPTOP],
  ])("an operator makes a claim code, on a %s", async (name, viewport) => {
    complaints = [];
    await using context = await browser.newContext({ viewport, locale: "en-GB" });
    const page = await signedIn(context, "mwalimu");
    await page.getByRole("button", { name: "Make a claim code" }).last().click();
    expect(await page.locator("[data-claim-code]").innerText()).toMatch(/^[\dA-Z]{4}-[\dA-Z]{4}$/);
    expect(await overflow(page)).toBe(0);
    await page.screenshot({ path: join(images, `operator-${name}.png`), fullPage: true });
    expect(complaints).toEqual([]);
  });

  it("is legible in the dark, and in Swahili", async () => {
    complaints = [];
    await using context = await browser.newContext({ viewport: PHONE, colorScheme: "dark", locale: "sw-KE" });
    const page = await signedIn(context, "house-01");
    await page.getByText("Sasa hivi").waitFor();
    await page.locator("[data-curve] canvas").waitFor();
    expect(await overflow(page)).toBe(0);
    await page.screenshot({ path: join(images, "member-dark.png"), fullPage: true });
    expect(complaints).toEqual([]);
  });

  it("shows the last page, marked as of when, while the gateway is away", async () => {
    await using context = await browser.newContext({ viewport: PHONE, locale: "en-GB" });
    const page = await signedIn(context, "house-01");
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)");
    await page.reload();
    await context.setOffline(true);
    await page.reload();
    await page.getByText("This is how it was at 14:40").waitFor();
    await page.screenshot({ path: join(images, "away.png") });
  });
});
