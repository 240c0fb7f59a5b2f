import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { openNodeBook, type NodeBook, type NodeEntry } from "./book.ts";
import { openKept } from "./kept.ts";

let folder: string;
let book: NodeBook;
const ENTRY: NodeEntry = {
  ...{ number: 1, key: "0".repeat(32), hardware: "uno-meter", firmware: "1.0.0", counter: 1 },
  ...{ provisioned: instant(0), lines: [], datedThrough: 0, through: 0, said: [] },
};
const said = (sequence: number) => ({
  ...{ sequence, time: instant(sequence * 1_000), kind: "reset" },
  detail: "x".repeat(sequence % 90),
});
const turnOf = (entry: NodeEntry, events: readonly ReturnType<typeof said>[], through: number) => ({
  ...{ decoded: { samples: [], problems: [] }, entry, events, through },
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-book-"));
  book = openNodeBook(folder);
  await book.save(ENTRY);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the book of nodes", () => {
  it("keeps what each of many writes, and is whole whenever another process reads it", async () => {
    let isOver = false;
    const reading = (async () => {
      for (let n = 0; !isOver; n++) {
        expect((await openNodeBook(folder).find(1))?.key).toBe(ENTRY.key);
        if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    const all = Array.from({ length: 60 }, (_, n) => said(n + 1));
    await Promise.all(
      all.map((one) =>
        book.change(1, (now) => ({ ...now, said: [...now.said, one], through: one.sequence })),
      ),
    );
    isOver = true;
    await reading;
    expect(await openNodeBook(folder).find(1)).toEqual({ ...ENTRY, said: all, through: 60 });
  });

  it("lets a late note of a reading take back nothing that an update wrote meanwhile", async () => {
    const kept = openKept(book);
    const turn = turnOf(await kept.find(1), [said(1)], 1);
    const updated = book.change(1, (now) => ({ ...now, firmware: "1.1.0", counter: 2 }));
    await Promise.all([kept.keep(turn), updated]);
    expect(await book.find(1)).toEqual({
      ...{ ...ENTRY, firmware: "1.1.0", counter: 2 },
      ...{ said: [said(1)], through: 1 },
    });
  });

  it("holds once what a node said in two turns, because the first was not durable yet", async () => {
    const kept = openKept(book);
    const before = await kept.find(1);
    await Promise.all([
      kept.keep(turnOf(before, [said(1)], 1)),
      kept.keep(turnOf(before, [said(1), said(2)], 2)),
    ]);
    expect((await book.find(1))?.said).toEqual([said(1), said(2)]);
  });

  it("changes nothing where there is no such node", async () => {
    expect(await book.change(2, (now) => ({ ...now, counter: 9 }))).toBeUndefined();
    expect((await book.all()).map(({ number }) => number)).toEqual([1]);
  });

  it("stays as it was where a change fails, and takes the next one", async () => {
    const before = readFileSync(join(folder, "nodes", "1.json"), "utf8");
    const failing = book.change(1, () => {
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(readFileSync(join(folder, "nodes", "1.json"), "utf8")).toBe(before);
    expect((await book.change(1, (now) => ({ ...now, counter: 2 })))?.counter).toBe(2);
  });
});
