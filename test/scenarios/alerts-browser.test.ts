import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Instant } from "../../domain/model/index.ts";
import { chromiumIsMissing, overflow } from "../support/browser.ts";
import { afterLink, openPortalAtBrowser, PHONE, type PortalAtBrowser } from "../support/portal-browser.ts";

/** What flows have to say to a member, on a phone; FIELDWATT_IMAGES names a folder for the picture. */
const missing = chromiumIsMissing();
let at: PortalAtBrowser;
let images: string;

beforeAll(async () => {
  if (missing) return;
  at = await openPortalAtBrowser();
  images = process.env.FIELDWATT_IMAGES ?? mkdtempSync(join(tmpdir(), "fieldwatt-alerts-"));
  mkdirSync(images, { recursive: true });
}, 60_000);
afterAll(async () => {
  if (missing) return;
  await at[Symbol.asyncDispose]();
  if (process.env.FIELDWATT_IMAGES === undefined) rmSync(images, { recursive: true, force: true });
});

const EVENING =
  "2026-06-15: you used 4.2 kWh, your sun made 6.1 kWh, 1.0 kWh came from the grid (54 of 58 quarter hours are known).";
const tell = (key: string, text: string, severity: "info" | "warning" = "info") =>
  at.seeded.store.run("keepMemberAlerts", {
    ...{ key, text, severity, by: "node-red", members: ["house-01"] },
    time: at.seeded.clock.now() as Instant,
  });

describe.skipIf(missing)("what flows have to say to a member", () => {
  it(
    "comes up by itself on a page that is open, stays on a phone's width, and goes by one touch",
    { timeout: 60_000 },
    async () => {
      await using visit = await at.browser.visit({ viewport: PHONE });
      const { page, complaints } = visit;
      await page.goto(at.linkFor("house-01"));
      await page.waitForURL(afterLink);
      expect(await page.locator("#alerts").count()).toBe(0);
      await tell("evening", EVENING);
      await page.locator("#alerts").getByText(EVENING).waitFor();
      await tell("tank", "The tank is nearly empty: 0.30 m of water.", "warning");
      await page.locator("#alerts").getByText("The tank is nearly empty").waitFor();
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await page.screenshot({ path: join(images, "member-alerts-phone.png") });
      await page.getByRole("button", { name: `Done: ${EVENING}` }).click();
      await page.locator("#alerts").getByText(EVENING).waitFor({ state: "detached" });
      expect(await page.locator("#alerts form").count()).toBe(1);
      expect(complaints).toEqual([]);
    },
  );

  it("is read and done with where there is no JavaScript", { timeout: 60_000 }, async () => {
    await tell("evening", EVENING);
    await tell("tank", "The tank is full again.");
    await using visit = await at.browser.visit({ viewport: PHONE, javaScriptEnabled: false });
    const { page } = visit;
    await page.goto(at.linkFor("house-01"));
    await page.locator("main form button").click();
    await page.locator("#alerts").getByText(EVENING).waitFor();
    await page.getByRole("button", { name: `Done: ${EVENING}` }).click();
    await page.locator("#alerts").getByText("The tank is full again.").waitFor();
    expect(await page.locator("#alerts").getByText(EVENING).count()).toBe(0);
  });
});
