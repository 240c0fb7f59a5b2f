import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { freePort } from "../../cli/demo/ports.ts";
import { chromiumIsMissing, coloursOfCurve, openBrowser, overflow } from "../support/browser.ts";
import { startDemo } from "../support/demo.ts";
import { eventually } from "./kit.ts";

/**
 * The whole village, seen through the browser of a member and of the hub's operator. The pictures go to a temporary
 * folder, or to the one that FIELDWATT_IMAGES names: FIELDWATT_IMAGES=docs/images renews what the README shows, and
 * lets the village live until the afternoon first.
 */
const { FIELDWATT_IMAGES } = process.env;
const QUARTER_HOURS = FIELDWATT_IMAGES === undefined ? 2 : 26;
const PHONE = { width: 360, height: 780 };
const DESKTOP = { width: 1280, height: 900 };

/** Today's quarter hours that are known, as the page says it. */
async function known(page: Page): Promise<number> {
  await page.reload();
  const text = await page.locator("main").innerText();
  return Number(/(\d+) of \d+ quarter hours/.exec(text)?.[1] ?? 0);
}

describe.skipIf(chromiumIsMissing())("the village in a browser", () => {
  it(
    "a member signs in by link and PIN and sees balance and curve at 360 and 1280 px; the hub shows its work",
    { timeout: 180_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "fieldwatt-pictures-"));
      const images = FIELDWATT_IMAGES ?? folder;
      mkdirSync(images, { recursive: true });
      const port = await freePort();
      await using demo = startDemo([
        "--speed",
        "600",
        "--data",
        join(folder, "village"),
        "--port",
        String(port),
      ]);
      const [memberLink = "", hubLink = ""] = await eventually(
        "two links",
        () => demo.links().length === 2 && demo.links(),
        60_000,
      );
      await using browser = await openBrowser();

      await using member = await browser.visit({ viewport: PHONE });
      const { page } = member;
      await page.goto(memberLink);
      await page.getByRole("link", { name: "Choose a PIN" }).click();
      await page.getByLabel("New PIN").fill("4711");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Your name here").fill("household-01");
      await page.getByLabel("PIN or password").fill("4711");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL(({ pathname }) => pathname === "/");
      await eventually("quarter hours", async () => (await known(page)) >= QUARTER_HOURS, 120_000);
      expect(await coloursOfCurve(page)).toBeGreaterThan(20);
      // At this speed a tenth of a second without a reading makes a figure unknown, as it should be.
      const using = page.locator('[data-figure="using"]');
      await eventually("a live figure", async () => /^[\d,]+ k?W$/.test(await using.innerText()));
      for (const [name, viewport] of [
        ["phone", PHONE],
        ["desktop", DESKTOP],
      ] as const) {
        await page.setViewportSize(viewport);
        expect([name, await overflow(page)]).toEqual([name, 0]);
        await page.screenshot({
          path: join(images, `member-${name}.png`),
          clip: { x: 0, y: 0, ...viewport, height: 1180 },
          fullPage: true,
        });
      }
      expect(member.complaints).toEqual([]);

      await using operator = await browser.visit({ viewport: DESKTOP });
      await operator.page.goto(hubLink);
      await operator.page.getByText("Reference evapotranspiration").first().waitFor({ timeout: 60_000 });
      await operator.page.getByText("KES").first().waitFor();
      expect(await overflow(operator.page)).toBe(0);
      await operator.page.screenshot({
        path: join(images, "hub-desktop.png"),
        clip: { x: 0, y: 0, ...DESKTOP },
        fullPage: true,
      });
      expect(operator.complaints).toEqual([]);
      demo.controlC();
      expect(await demo.exit).toBe(0);
      rmSync(folder, { recursive: true, force: true });
    },
  );
});
