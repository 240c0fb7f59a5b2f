import type { Page } from "playwright-core";
import { expect } from "vitest";
import { askedFor } from "../../gateway/erasure/asked.ts";
import { askForgetting } from "../../gateway/erasure/asking.ts";
import { forgetAsked } from "../../gateway/erasure/forgetting.ts";
import { requestDigest } from "../../protocol/erasure-digest.ts";
import { signAnswer } from "../../protocol/erasure.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import { NOW, type Seeded } from "../support/seeded-portal.ts";

/** The end of a member's walk at the browser: what others deleted, and what is deleted here at home. */
const DAY_MS = 86_400_000;
const PIN = "1470";
const keys = generateKeyPair();

interface Walk {
  readonly page: Page;
  readonly url: string;
  readonly seeded: Seeded;
  readonly member: string;
  look(name: string): Promise<void>;
}

/** What the gateway's link does after a yes ended, and what a hub answers: all is deleted. */
async function askAndAnswer({ options, store, clock }: Seeded, member: string): Promise<number> {
  const names = { gateway: options.site.id, hub: "hub", key: keys.privateKey };
  await askForgetting({ store, clock, ...names, log: options.log });
  let deleted = 0;
  for (const { request } of askedFor(store.read, { member, limit: 10 })) {
    const answer = {
      ...{ version: 1 as const, hub: "hub", gateway: request.gateway, request: requestDigest(request) },
      ...{ answered: NOW, filesCleanBy: NOW + 2 * DAY_MS, backupsCleanBy: NOW + 30 * DAY_MS },
      parts: [{ outcome: "deleted" as const, releases: request.releases }],
    };
    await store.run("keepErased", { answer: signAnswer(answer, keys.privateKey), answered: NOW });
    deleted += request.releases.length;
  }
  return deleted;
}

/** From "What I share", after everything was taken back. */
export async function walkThroughForgetting({ page, url, seeded, member, look }: Walk): Promise<void> {
  await seeded.accounts.setSecret(member, PIN);
  const deleted = await askAndAnswer(seeded, member);
  expect(deleted).toBeGreaterThan(0);
  await page.goto(`${url}/sharing`);
  await page.getByRole("link", { name: /^Forgetting:/ }).click();
  await page.getByRole("heading", { name: "Where it went" }).waitFor();
  await page.getByText(`Deleted: ${deleted}.`).waitFor();
  await look("forgetting");
  const paper = page.getByRole("link", { name: "Their signed paper (a file)" });
  const [download] = await Promise.all([page.waitForEvent("download"), paper.first().click()]);
  expect(await download.failure()).toBeNull();

  await page.getByRole("link", { name: "Delete what is held here about me" }).click();
  await page.getByRole("heading", { name: "This stays, and why" }).waitFor();
  await look("forgetting-list");
  await page.locator('a[href="/forgetting/home/pin"]').click();
  await page.locator('input[name="pin"]').fill(PIN);
  await page.locator('form[action="/forgetting/home"] button').click();
  await page.getByText("it is being done").waitFor();
  await forgetAsked({
    ...{ site: seeded.options.site, store: seeded.store, clock: seeded.clock, log: seeded.options.log },
  });
  await page.goto(`${url}/forgetting`);
  await page.getByText(/^Deleted on .* quarter hours/).waitFor();
  await look("forgotten");
  // The log of what left goes on saying that something did, and no longer what.
  await page.goto(`${url}/left`);
  await page.getByText("What it said is deleted here, as you asked").first().waitFor({ state: "attached" });
}
