import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addMs } from "../../domain/model/index.ts";
import { chromiumIsMissing, coloursOfCurve, overflow } from "../support/browser.ts";
import {
  afterLink,
  LAPTOP,
  openPortalAtBrowser,
  PHONE,
  type PortalAtBrowser,
} from "../support/portal-browser.ts";
import { liveReadings, NOW } from "../support/seeded-portal.ts";

/** A member and an operator at a real browser, over a real record with a made-up day. */
const DEVICES = [
  { name: "phone", viewport: PHONE },
  { name: "laptop", viewport: LAPTOP },
];

let at: PortalAtBrowser;

describe.skipIf(chromiumIsMissing())("at a browser", () => {
  beforeAll(async () => {
    at = await openPortalAtBrowser();
  });
  afterAll(() => at[Symbol.asyncDispose]());

  it.each(DEVICES)(
    "a member claims, sets a PIN, comes back with it and sees the day, on a $name",
    async ({ viewport }) => {
      await using visit = await at.browser.visit({ viewport });
      const { page } = visit;
      await page.goto(`${at.portal.url}/claim`);
      await page.getByLabel("Claim code").fill(at.seeded.accounts.makeClaimCode("house-01", { days: 7 }));
      await page.getByLabel("New PIN").fill("4711");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("button", { name: "Sign out" }).click();
      expect(await overflow(page)).toBe(0);
      await page.getByLabel("Your name here").fill("house-01");
      await page.getByLabel("PIN or password").fill("4711");
      await page.getByRole("button", { name: "Sign in" }).click();

      expect(await coloursOfCurve(page)).toBeGreaterThan(20);
      expect(await page.locator('[data-figure="using"]').innerText()).toBe("618 W");
      expect(await page.getByText("54 of 58 quarter hours are known").count()).toBe(1);
      expect(await overflow(page)).toBe(0);
      expect(visit.complaints).toEqual([]);
    },
  );

  it("numbers and curve follow the record without a reload", async () => {
    await using visit = await at.browser.visit({ viewport: PHONE });
    const { page } = visit;
    await page.goto(at.linkFor("house-01"));
    await page.getByText("54 of 58 quarter hours are known").waitFor();
    const [grid] = liveReadings(addMs(NOW, 1_000));
    if (grid) at.seeded.live.update([{ ...grid, value: -30 }]);
    await at.seeded.closeSlot();
    await page.getByText("1,400 W").waitFor();
    await page.getByText("55 of 58 quarter hours are known").waitFor();
    expect(await coloursOfCurve(page)).toBeGreaterThan(20);
    expect(visit.complaints).toEqual([]);
  });

  it("without JavaScript everything is there: a button for the link, numbers, a still curve, the switch", async () => {
    await using visit = await at.browser.visit({ viewport: PHONE, javaScriptEnabled: false });
    const { page } = visit;
    await page.goto(at.linkFor("house-02"));
    await page.getByRole("button", { name: "Go on" }).click();
    expect(await page.locator('[data-figure="using"]').innerText()).toBe("96 W");
    expect((await page.locator(".curve-still .line-use").boundingBox())?.width).toBeGreaterThan(100);
    const trading = page.getByRole("switch", { name: "Trading with neighbours" });
    expect(await trading.getAttribute("aria-checked")).toBe("false");
    await trading.click();
    await page.getByRole("button", { name: "Yes, share it" }).click();
    expect(await trading.getAttribute("aria-checked")).toBe("true");
    expect(visit.complaints).toEqual([]);
  });

  it.each(DEVICES)("an operator makes a claim code, on a $name", async ({ viewport }) => {
    await using visit = await at.browser.visit({ viewport });
    const { page } = visit;
    await page.goto(at.linkFor("mwalimu"));
    await page.waitForURL(afterLink);
    await page.getByRole("button", { name: "Make a claim code" }).last().click();
    expect(await page.locator("[data-claim-code]").innerText()).toMatch(/^[\dA-Z]{4}-[\dA-Z]{4}$/);
    expect(await overflow(page)).toBe(0);
    expect(visit.complaints).toEqual([]);
  });

  it("fits a phone in the dark, in Swahili", async () => {
    await using visit = await at.browser.visit({ viewport: PHONE, colorScheme: "dark", locale: "sw-KE" });
    const { page } = visit;
    await page.goto(at.linkFor("house-01"));
    await page.getByText("Sasa hivi").waitFor();
    expect(await coloursOfCurve(page)).toBeGreaterThan(20);
    expect(await overflow(page)).toBe(0);
    expect(visit.complaints).toEqual([]);
  });

  it("shows the last page, marked as of when, while the gateway is away; not after signing out", async () => {
    await using visit = await at.browser.visit({ viewport: PHONE });
    const { page } = visit;
    await page.goto(at.linkFor("house-01"));
    await page.waitForURL(afterLink);
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)");
    await page.reload();
    await page.context().setOffline(true);
    await page.reload();
    await page.getByText("This is how it was at 14:40").waitFor();
    await page.context().setOffline(false);
    await page.reload();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Your name here").waitFor();
    await page.context().setOffline(true);
    await expect(page.goto(at.portal.url)).rejects.toThrow(/ERR_INTERNET_DISCONNECTED|ERR_FAILED/);
  });
});
