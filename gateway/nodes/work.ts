import { setTimeout as wait } from "node:timers/promises";
import { hasCode } from "../../domain/model/index.ts";
import { mustFit, type Image } from "../../drivers/field-link/image.ts";
import { updateNode } from "../../drivers/field-link/update.ts";
import type { LineSettings, NodeBook, NodeDesk, NodeEntry } from "../../drivers/index.ts";

/** What a person does at a line of nodes: the same by the gateway while it runs, and on the command line without it. */
export interface Bench {
  readonly book: NodeBook;
  /** Lends a line, or holds one. */
  atDesk<Result>(line: LineSettings, work: (desk: NodeDesk) => Promise<Result>): Promise<Result>;
}

export interface Provisioning {
  readonly line: LineSettings;
  /** The next free one where absent. */
  readonly number?: number | undefined;
  /** Seconds between its samples. */
  readonly interval: number;
  /** How long the button is waited for, ms. */
  readonly windowMs: number;
}

/** Between two tries; other nodes on the line are read meanwhile. */
const TRY_AGAIN_MS = 100;

/**
 * Gives the node whose button is pressed within the window a number and a key of its own. Throws DEVICE_TIMEOUT where
 * nobody pressed one, DEVICE_REFUSED, DEVICE_GARBLED, BUS_CLOSED, or the signal's reason.
 */
export async function provisionNode(
  { line, interval, windowMs, ...asked }: Provisioning,
  { book, atDesk }: Bench,
  signal: AbortSignal,
): Promise<NodeEntry> {
  const number = asked.number ?? (await nextNumber(book));
  const end = performance.now() + windowMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await atDesk(line, async (desk) => {
        const entry = await desk.provision(number, book);
        await (await desk.greet(entry)).setInterval(interval);
        return entry;
      });
    } catch (error) {
      if (!hasCode(error, "DEVICE_TIMEOUT") || performance.now() > end) throw error;
      await wait(TRY_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function nextNumber(book: NodeBook): Promise<number> {
  return Math.max(0, ...(await book.all()).map(({ number }) => number)) + 1;
}

/** Lines for the site file. */
export const siteLines = ({ path }: LineSettings, number: number, interval: number): string =>
  [
    `  - id: node-${number}`,
    "    device: fieldwatt-field-node",
    "    mounting: load",
    `    interval: ${interval} s`,
    `    connection: { kind: serial, path: ${path}, address: "${number}" }`,
  ].join("\n");

export interface NodeOnLine {
  readonly entry: NodeEntry;
  readonly line: LineSettings;
}

export interface UpdateProgress {
  begun(entry: NodeEntry): void;
  /** 0 to 1 of the program has arrived. */
  sent(entry: NodeEntry, share: number): void;
  done(before: NodeEntry, after: NodeEntry): void;
}

/**
 * Updates nodes with an image that was verified, one after another: the first one is the canary, and where one does not
 * come back well none behind it is touched. Throws as `updateNode`, before a byte is sent where the image fits one not.
 */
export async function updateNodes(
  { nodes, image }: { readonly nodes: readonly NodeOnLine[]; readonly image: Image },
  { book, atDesk }: Bench,
  progress: UpdateProgress,
): Promise<void> {
  for (const { entry } of nodes) mustFit(image, entry);
  for (const { entry, line } of nodes) {
    progress.begun(entry);
    const onProgress = (share: number): void => progress.sent(entry, share);
    progress.done(
      entry,
      await atDesk(line, (desk) => updateNode(desk, { entry, image }, { book, onProgress })),
    );
  }
}
