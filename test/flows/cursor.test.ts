import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

/** The place that a stream keeps on disk, against what a kill at that moment would lose. Time is virtual. */
interface Cursor {
  read(): string | undefined;
  keep(cursor: string, batch: number): void;
}
const requireHere = createRequire(join(import.meta.dirname, "..", "..", "flows", "package.json"));
const { openCursor } = requireHere("./lib/cursor-file.js") as {
  openCursor(folder: string, node: string, onFault: (error: Error) => void): Cursor;
};
const { hold } = requireHere("./lib/in-flight.js") as {
  hold(origin: { node: string; batch: number }): () => void;
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-cursor-"));
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});
const open = (node: string) =>
  openCursor(folder, node, (error) => {
    throw error;
  });

it("is of a second ago at least, so that flows had their moment", () => {
  const cursor = open("a");
  cursor.keep("1", 1);
  vi.advanceTimersByTime(900);
  expect(cursor.read()).toBeUndefined();
  vi.advanceTimersByTime(2_000);
  expect(cursor.read()).toBe("1");
});

it("never runs ahead of a message that is on its way to the gateway", () => {
  const cursor = open("b");
  cursor.keep("1", 1);
  const [release, other] = [hold({ node: "b", batch: 2 }), hold({ node: "b", batch: 2 })];
  cursor.keep("2", 2);
  cursor.keep("3", 3);
  vi.advanceTimersByTime(60_000);
  expect(cursor.read()).toBe("1");
  release();
  vi.advanceTimersByTime(2_000);
  expect(cursor.read()).toBe("1");
  other();
  vi.advanceTimersByTime(2_000);
  expect(cursor.read()).toBe("3");
});
