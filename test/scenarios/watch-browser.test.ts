import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { appendLeaf, egressCommands, logSigner, signHead } from "../../gateway/release/egress-log.ts";
import { openCheckpoint } from "../../protocol/checkpoint.ts";
import { chromiumIsMissing } from "../support/browser.ts";
import { openPortalAtBrowser, PHONE } from "../support/portal-browser.ts";
import type { Seeded } from "../support/seeded-portal.ts";

/** A member's phone as a witness, at a real browser: what it keeps, and what it says of a log that was rewritten. */
const inRecord = (folder: string, work: (db: DatabaseSync) => void): void => {
  using db = new DatabaseSync(join(folder, "record.sqlite"), {
    timeout: 10_000,
    enableForeignKeyConstraints: false,
  });
  work(db);
};

/** One leaf more, under a head that the gateway's own key signed. */
function grow(folder: string, { options }: Seeded, leaf: string): void {
  inRecord(folder, (db) => {
    const next = Number(db.prepare("SELECT max(release) + 1 AS next FROM egress_leaf").get()?.next);
    appendLeaf(db, next, leaf);
    const head = signHead(db, logSigner(options.site.id, options.identity.keys));
    if (head) egressCommands.saveHead(db, { ...head, signed: 0 });
  });
}

/** What a gateway would do that wants something to never have left: another first leaf, and all built anew over it. */
function rewrite(folder: string, seeded: Seeded): void {
  inRecord(folder, (db) => {
    db.exec(`UPDATE egress_leaf SET hash = '${"ab".repeat(32)}' WHERE leaf = 1;
      DELETE FROM egress_node; DELETE FROM egress_head; DELETE FROM egress_cosignature`);
  });
  grow(folder, seeded, "another");
}

const stateOf = async (page: Page): Promise<string | null> => {
  await page.reload();
  await page.locator("[data-watched] .verdict").waitFor();
  return page.locator("[data-watch]").getAttribute("data-state");
};

it.skipIf(chromiumIsMissing())(
  "a phone keeps the log's head, follows it while it grows, and warns of one that was rewritten",
  { timeout: 120_000 },
  async () => {
    await using at = await openPortalAtBrowser();
    const { folder, seeded, portal, browser } = at;
    await using visit = await browser.visit({ viewport: PHONE, acceptDownloads: true });
    const { page } = visit;
    const kept = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.locator(`[data-download="${name}"]`).click(),
      ]);
      await download.saveAs(join(folder, name));
      const log = logSigner(seeded.options.site.id, seeded.options.identity.keys);
      return openCheckpoint(readFileSync(join(folder, name), "utf8"), { log, witnesses: [] }).checkpoint;
    };

    await page.goto(`${portal.url}/check`);
    await page.getByText("Kept now for the first time:").waitFor();
    expect(await stateOf(page)).toBe("same");
    grow(folder, seeded, "one more");
    expect(await stateOf(page)).toBe("grew");
    await page.getByText("Nothing that this phone saw before was changed").waitFor();
    const before = await kept("kept");

    rewrite(folder, seeded);
    for (const _visit of ["the first", "the second"]) expect(await stateOf(page)).toBe("changed");
    await page.getByText("It was rewritten.").waitFor();
    // What it saw first stays, and both signed heads can be shown to others.
    const [first, now] = [await kept("kept"), await kept("evidence")];
    expect(first).toEqual(before);
    expect(now.size).toBe(before.size + 1);
    expect(visit.complaints).toEqual([]);
  },
);
