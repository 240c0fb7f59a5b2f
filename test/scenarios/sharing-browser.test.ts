import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumIsMissing, overflow } from "../support/browser.ts";
import {
  afterLink,
  LAPTOP,
  openPortalAtBrowser,
  PHONE,
  type PortalAtBrowser,
} from "../support/portal-browser.ts";
import { damages, proofFiles } from "../support/proof-file.ts";
import { walkThroughForgetting } from "./forgetting-walk.ts";

/** A member at a real browser: yes, seeing, proof, withdrawal, erasure. FIELDWATT_PICTURES names a folder for the pictures. */
const { FIELDWATT_PICTURES } = process.env;

let at: PortalAtBrowser;

/** Looks at the page in both widths: nothing hangs over; a picture of each where they are asked for. */
async function look(page: Page, name: string): Promise<void> {
  for (const [device, viewport] of [
    ["phone", PHONE],
    ["laptop", LAPTOP],
  ] as const) {
    await page.setViewportSize(viewport);
    expect([name, device, await overflow(page)]).toEqual([name, device, 0]);
    if (FIELDWATT_PICTURES !== undefined) {
      mkdirSync(FIELDWATT_PICTURES, { recursive: true });
      await page.screenshot({ path: join(FIELDWATT_PICTURES, `${name}-${device}.png`), fullPage: true });
    }
  }
}

describe.skipIf(chromiumIsMissing())("sharing, at a browser", () => {
  beforeAll(async () => {
    at = await openPortalAtBrowser();
  });
  afterAll(() => at[Symbol.asyncDispose]());

  it(
    "a member says yes, sees what left, checks its proof, takes everything back, and has it forgotten",
    { timeout: 120_000 },
    async () => {
      await using visit = await at.browser.visit({ viewport: PHONE, acceptDownloads: true });
      const { page } = visit;
      await page.goto(at.linkFor("house-01"));
      await page.waitForURL(afterLink);

      await page.getByRole("link", { name: "Read each offer" }).click();
      await look(page, "sharing");
      await page.getByRole("switch", { name: "Share: Advice for the field" }).click();
      await page.getByText("You have none yet. This one is made up.").waitFor({ state: "attached" });
      await look(page, "confirm");
      await page.getByLabel("For how long?").selectOption({ label: "Three months" });
      await page.getByRole("button", { name: "Yes, share it" }).click();
      await page.getByText("You now share “Advice for the field”, until 14 September 2026.").waitFor();
      await look(page, "given");
      await page.getByRole("button", { name: "Undo" }).click();
      await page.getByText("Taken back: “Advice for the field”.").waitFor();

      await page.getByRole("link", { name: "What left, day by day" }).click();
      expect(await page.getByRole("link", { name: "2026-06-15: 25 left" }).getAttribute("aria-current")).toBe(
        "date",
      );
      await page.locator("details.row").nth(1).click();
      await look(page, "left");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Download the proof" }).click(),
      ]);
      const file = join(at.folder, "proof.json");
      await download.saveAs(file);

      await page.getByRole("link", { name: "Check a proof" }).click();
      await page.getByLabel("The proof file").setInputFiles(file);
      await page.getByText("The proof holds.").waitFor();
      await page.getByText("The log is this gateway's.").waitFor();
      await look(page, "check");

      await page.goto(`${at.portal.url}/sharing`);
      await page.getByRole("link", { name: /^Trading with neighbours: yes on/ }).click();
      await page.getByRole("heading", { name: "Consent receipt" }).waitFor();
      await look(page, "receipt");
      await page.emulateMedia({ media: "print" });
      expect(await page.getByRole("link", { name: "Kantara receipt" }).isVisible()).toBe(false);
      await page.emulateMedia({ media: "screen" });
      await page.goto(`${at.portal.url}/sharing`);
      await page.getByRole("button", { name: "Take everything back" }).click();
      await page.getByText("Everything is taken back. Nothing more leaves.").waitFor();
      await page.getByText("What waited here and was never sent: 1.").waitFor();
      expect(await page.getByRole("switch", { checked: true }).count()).toBe(0);
      await page.goto(`${at.portal.url}/left`);
      await page.getByText("never sent: dropped here on").first().waitFor();
      await look(page, "never-sent");

      const walk = { page, url: at.portal.url, seeded: at.seeded, member: "house-01" };
      await walkThroughForgetting({ ...walk, look: (name) => look(page, name) });
      expect(visit.complaints).toEqual([]);
    },
  );

  it(
    "checks proofs with the network away, and says of each damaged one what is wrong",
    { timeout: 120_000 },
    async () => {
      await using visit = await at.browser.visit({ viewport: PHONE });
      const { page } = visit;
      await page.goto(`${at.portal.url}/check`);
      await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)");
      // The second time it comes through the worker, which keeps it.
      await page.reload();
      await page.context().setOffline(true);
      await page.reload();
      const [, good = undefined, next = undefined] = proofFiles(5);
      if (!good || !next) throw new Error("no proofs");
      const verdict = async (proof: unknown): Promise<string> => {
        const path = join(at.folder, "file.json");
        writeFileSync(path, JSON.stringify(proof));
        await page.locator("[data-verdict]").evaluate((one) => one.replaceChildren());
        await page.getByLabel("The proof file").setInputFiles([]);
        await page.getByLabel("The proof file").setInputFiles(path);
        await page.locator("[data-verdict] .verdict").waitFor();
        return page.locator("[data-verdict]").innerText();
      };
      const text = await verdict(good);
      expect(text).toContain("The proof holds.");
      expect(text).toContain("The log is NOT this gateway's.");
      expect(text).toContain("2 of 5");
      const words: Readonly<Record<string, string>> = {
        notAProof: "This is not a proof of Fieldwatt's log",
        otherBytes: "not those that the log says have left",
        otherMember: "does not say that this member",
        notSigned: "A signature under the log does not hold",
        notInLog: "not where the file says",
      };
      for (const [what, damage, because] of damages) {
        const said = await verdict(damage(good, next));
        expect([what, said]).toEqual([what, expect.stringContaining("The proof does not hold.")]);
        expect([what, said]).toEqual([what, expect.stringContaining(words[because] ?? "?")]);
      }
    },
  );

  it("does it all without JavaScript, in Swahili", { timeout: 60_000 }, async () => {
    await using visit = await at.browser.visit({
      viewport: PHONE,
      javaScriptEnabled: false,
      locale: "sw-KE",
    });
    const { page } = visit;
    await page.goto(at.linkFor("house-02"));
    await page.locator("form[data-send-at-once] button").click();
    await page.goto(`${at.portal.url}/sharing`);
    await page.locator("#offer-trading").getByRole("switch").click();
    await page.getByRole("button", { name: "Ndiyo, shiriki" }).click();
    expect(await page.locator("#offer-trading").getByRole("switch").getAttribute("aria-checked")).toBe(
      "true",
    );
    await page.getByRole("button", { name: "Tengua" }).click();
    expect(await page.locator("#offer-trading").getByRole("switch").getAttribute("aria-checked")).toBe(
      "false",
    );
    await page.goto(`${at.portal.url}/check`);
    expect(await page.locator("noscript").innerText()).toContain("JavaScript");
    expect(visit.complaints).toEqual([]);
  });
});
