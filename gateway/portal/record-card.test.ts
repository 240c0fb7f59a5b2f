import { expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import type { RecordHealth } from "../record/health.ts";
import { formatFor } from "./format.ts";
import { messages } from "./messages.ts";
import { recordStateCard } from "./record-card.ts";

const well: RecordHealth = {
  journalBytes: 4_194_304,
  readingsHot: 1_200,
  blocks: 48,
  damagedBlocks: 0,
  damagedFrames: 0,
  restored: false,
};
async function card(health: Partial<RecordHealth>, language: "en" | "sw" = "en"): Promise<string> {
  const speech = { language, t: messages[language], f: formatFor(language, "UTC") };
  const text = String(await recordStateCard({ ...well, ...health }, speech));
  return text.replace(/\s+/g, " ");
}

it.each<[string, Partial<RecordHealth>, string]>([
  ["has kept nothing yet", {}, "None has come since the start."],
  [
    "keeps readings",
    { lastCommit: instant(Date.UTC(2026, 5, 15, 11, 40)) },
    "the last ones at 15 Jun, 11:40.",
  ],
  ["has a full disk", { fault: "disk full", because: "ENOSPC" }, "Make room: the gateway goes on by itself."],
  ["has a worn card", { fault: "read-only", because: "EROFS" }, "replace the card"],
  ["has a damaged file", { fault: "damaged", because: "malformed" }, "fieldwatt record repair"],
  [
    "has a fault, with the system's words as text",
    { fault: "other", because: "<b>no</b>" },
    "&lt;b&gt;no&lt;/b&gt;",
  ],
  ["has little room", { diskFree: 90_000_000 }, "Only 90 MB are free on the disk."],
  ["has room", { diskFree: 12_300_000_000 }, "Free on the disk: 12.3 GB."],
  ["has damaged blocks", { damagedBlocks: 2 }, "left out of every answer: 2."],
  ["lost commits", { damagedFrames: 3 }, "its journal had lost 3 commits"],
  ["waits for the hub", { restored: true }, "Nothing is released before the hub has said what it holds."],
  ["was never backed up", {}, "No backup was made here yet."],
  [
    "was backed up",
    { lastBackup: { made: instant(Date.UTC(2026, 5, 14, 3)), file: "/media/stick/a" } },
    "Last backup: 14 Jun, 03:00.",
  ],
  ["holds so much", {}, "Journal: 4.2 MB. Not packed yet: 1,200 readings. Packed blocks: 48."],
])("tells of a record that %s", async (_, health, words) => {
  expect(await card(health)).toContain(words);
});

it("speaks Swahili, too", async () => {
  expect(await card({ fault: "disk full", because: "ENOSPC" }, "sw")).toContain("Diski imejaa.");
});
