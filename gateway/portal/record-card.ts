import { html } from "hono/html";
import type { Html } from "../../platform/web/index.ts";
import { DISK_LOW_BYTES, recordHealth, type RecordHealth } from "../record/health.ts";
import { faultWords } from "../record/words.ts";
import type { Portal, Speech } from "./context.ts";
import { fill, type Format } from "./format.ts";
import { recordWords } from "./record-messages.ts";

/** How the village's memory is doing: what is wrong, and what to do about it. */
export function recordCard({ store, site }: Portal, speech: Speech): Html {
  const { restored, ...health } = recordHealth(store, site.data);
  return recordStateCard({ ...health, restored: restored && site.hub !== undefined }, speech);
}

export function recordStateCard(health: RecordHealth, speech: Speech): Html {
  const { language, f } = speech;
  const w = recordWords(language);
  const { fault, because = "", lastCommit, damagedBlocks, damagedFrames, lastBackup } = health;
  const kept = lastCommit === undefined ? w.quiet : fill(w.kept, { time: f.dateTime(lastCommit) });
  const notices = [
    ...(health.restored ? [w.restored] : []),
    ...(damagedBlocks > 0 ? [fill(w.blocks, { n: f.number(damagedBlocks) })] : []),
    ...(damagedFrames > 0 ? [fill(w.frames, { n: f.number(damagedFrames) })] : []),
  ];
  const holds = fill(w.holds, {
    journal: bytesText(health.journalBytes, f),
    hot: f.number(health.readingsHot),
    blocks: f.number(health.blocks),
  });
  return html`<section class="card" id="record">
    <h2>${w.title}</h2>
    <p class="any ${fault ? "bad" : ""}">${fault ? faultWords(fault, language) : kept}</p>
    ${fault ? html`<p class="soft any">${fill(w.system, { because })}</p>` : ""}
    ${notices.map((words) => html`<p class="bad any">${words}</p>`)} ${roomLine(health, speech)}
    <p class="soft any">
      ${holds} ${lastBackup ? fill(w.backup, { time: f.dateTime(lastBackup.made) }) : w.noBackup}
    </p>
  </section>`;
}

function roomLine({ diskFree }: RecordHealth, { language, f }: Speech): Html | "" {
  if (diskFree === undefined) return "";
  const w = recordWords(language);
  const low = diskFree < DISK_LOW_BYTES;
  const size = bytesText(diskFree, f);
  return html`<p class="any ${low ? "bad" : "soft"}">${fill(low ? w.low : w.free, { size })}</p>`;
}

function bytesText(bytes: number, f: Format): string {
  const mega = bytes / 1e6;
  return mega < 1_000 ? `${f.number(mega, mega < 10 ? 1 : 0)} MB` : `${f.number(mega / 1_000, 1)} GB`;
}
