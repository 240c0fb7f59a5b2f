import { existsSync } from "node:fs";
import { chromium, type BrowserContextOptions, type Page } from "playwright-core";

/** Debian's Chromium, driven by playwright-core. */
const CHROMIUM = "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** True, with one line on stderr, where there is no Chromium; on a CI machine that is a fault. */
export function chromiumIsMissing(): boolean {
  if (existsSync(CHROMIUM)) return false;
  if (process.env.CI) throw new Error(`${CHROMIUM} is missing: apt-get install chromium`);
  process.stderr.write("browser test skipped: apt-get install chromium\n");
  return true;
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complained about: console errors, uncaught exceptions, requests that failed. */
  readonly complaints: readonly string[];
}

export interface TestBrowser extends AsyncDisposable {
  /** A fresh phone or laptop: nothing kept from an earlier visit. */
  visit(options: BrowserContextOptions): Promise<Visit>;
}

export async function openBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  return {
    async visit(options) {
      const context = await browser.newContext({ locale: "en-GB", ...options });
      const page = await context.newPage();
      return { page, complaints: listen(page), [Symbol.asyncDispose]: () => context.close() };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

function listen(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    // A page that is left ends its stream of live numbers, and what it was fetching.
    if (request.failure()?.errorText !== "net::ERR_ABORTED")
      complaints.push(`${request.url()}: ${request.failure()?.errorText}`);
  });
  return complaints;
}

/** Pixels by which the page is wider than the screen. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

/** How many colours the curve's canvas shows; an empty canvas has none. Waits until there is a canvas. */
export async function coloursOfCurve(page: Page): Promise<number> {
  await page.locator("[data-curve] canvas").waitFor();
  return page.evaluate(`(() => {
    const canvas = document.querySelector("[data-curve] canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 0) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return seen.size;
  })()`);
}
