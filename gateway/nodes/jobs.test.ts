import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FieldwattError, instant } from "../../domain/model/index.ts";
import { signImage } from "../../drivers/field-link/image.ts";
import { openNodeBook, type NodeBook, type NodeDesk } from "../../drivers/index.ts";
import { eventually } from "../../test/scenarios/kit.ts";
import { openNodeJobs, type NodeJob, type NodeJobsOptions } from "./jobs.ts";
import { giveNodeOrder, hasNodeOrder, takeNodeOrder, tellNodeJob, toldNodeJob } from "./orders.ts";

/** Jobs with a line that answers nobody; what real nodes say is in firmware-bridge/ and test/scenarios/build-a-node. */
const NOON = instant(Date.UTC(2026, 5, 15, 12));
const line = { path: "/dev/ttyUSB0", baudRate: 38_400 };
const keys = generateKeyPairSync("ed25519");
const release = { version: "1.1.0", counter: 2, hardware: "uno-meter" };
const image = signImage(new Uint8Array(300), release, keys.privateKey);
const silence = new FieldwattError("DEVICE_TIMEOUT", "nobody answers");

let folder: string;
let book: NodeBook;
let lent: string[];
let changes: NodeJob[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldwatt-jobs-"));
  book = openNodeBook(folder);
  [lent, changes] = [[], []];
  for (const number of [1, 2, 3]) {
    const about = { number, key: "00".repeat(16), hardware: "uno-meter", firmware: "1.0.0", counter: 1 };
    await book.save({ ...about, provisioned: NOON, lines: [], datedThrough: 0, through: 0, said: [] });
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const silent: NodeDesk = {
  provision: () => Promise.reject(silence),
  greet: ({ number }) => {
    lent.push(`node ${number}`);
    return Promise.reject(silence);
  },
};

const jobsWith = (more: Partial<NodeJobsOptions> = {}) =>
  openNodeJobs({
    ...{ book, now: () => NOON, log: { info: () => undefined, warn: () => undefined } },
    atDesk: (_line, work) => work(silent),
    releaseKey: () => Promise.resolve(keys.publicKey),
    lineOf: (number) => (number < 3 ? line : undefined),
    taken: (path) => (path === "/dev/meters" ? "house-meter" : undefined),
    busy: () => undefined,
    onChange: (job) => void changes.push(job),
    ...more,
  });

const update = (numbers: readonly number[], bytes: Uint8Array = image) =>
  ({ id: "an update", by: "operator", kind: "update", image: bytes, numbers }) as const;
const provision = (path = line.path) =>
  ({
    ...({ id: "a button", by: "operator", kind: "provision" } as const),
    ...{ line: { path, baudRate: 38_400 }, interval: 60, windowMs: 0 },
  }) as const;

describe("an update of several nodes", () => {
  it("touches none behind a canary that does not come back", async () => {
    await using jobs = jobsWith();
    await jobs.begin(update([2, 1]));
    const job = await eventually("its end", () => jobs.job()?.state !== "running" && jobs.job());
    expect(job).toMatchObject({ state: "failed", because: "nobody answers" });
    expect(job && job.nodes.map(({ number, state }) => [number, state])).toEqual([
      [2, "failed"],
      [1, "leftAlone"],
    ]);
    expect(lent).toEqual(["node 2"]);
  });

  const otherKey = generateKeyPairSync("ed25519").privateKey;
  it.each([
    ["an unsigned program", update([1], new Uint8Array(300)), {}, "none of MCUboot's"],
    ["another's program", update([1], signImage(new Uint8Array(9), release, otherKey)), {}, "another key"],
    ["no key of the co-op", update([1]), { releaseKey: () => Promise.resolve(undefined) }, "names no key"],
    ["a node whose pump runs", update([1]), { busy: () => "the pump is on" }, "the pump is on"],
    ["a node of no line", update([3]), {}, "no device of the site file"],
    ["a node that nobody knows", update([9]), {}, "no node 9 in the book"],
  ])("does not begin with %s", async (_what, order, more, why) => {
    await using jobs = jobsWith(more);
    await expect(jobs.begin(order)).rejects.toThrow(why);
    expect([jobs.job(), lent]).toEqual([undefined, []]);
  });
});

describe("a job at the nodes", () => {
  it("is the only one", async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    await using jobs = jobsWith({ atDesk: async (_line, work) => (await gate, work(silent)) });
    await jobs.begin(provision());
    await expect(jobs.begin(update([1]))).rejects.toMatchObject({ code: "JOB_RUNNING" });
    go();
    await eventually("its end", () => jobs.job()?.state === "failed");
    await jobs.begin(update([1]));
    expect(changes.map(({ kind, state }) => `${kind} ${state}`).slice(0, 3)).toEqual([
      "provision running",
      "provision failed",
      "update running",
    ]);
  });

  it("takes no line that is another device's", async () => {
    await using jobs = jobsWith();
    await expect(jobs.begin(provision("/dev/meters"))).rejects.toThrow(
      "/dev/meters is the line of house-meter",
    );
  });
});

describe("an order of the command line", () => {
  it("comes to the gateway as it was given, once, and its job comes back", async () => {
    const { by: _by, ...order } = update([1, 2]);
    await giveNodeOrder(folder, order);
    await expect(giveNodeOrder(folder, order)).rejects.toMatchObject({ code: "JOB_RUNNING" });
    expect(await takeNodeOrder(folder)).toEqual({
      ...update([1, 2]),
      by: "command line",
      image: Buffer.from(image),
    });
    expect(hasNodeOrder(folder)).toBe(false);
    const job: NodeJob = {
      id: "an update",
      kind: "update",
      by: "x",
      began: NOON,
      state: "running",
      nodes: [],
    };
    await tellNodeJob(folder, job);
    expect(await toldNodeJob(folder, "an update")).toEqual(job);
    expect(await toldNodeJob(folder, "another one")).toBeUndefined();
  });

  it("is there whole or not at all, however often somebody looks", async () => {
    const { by: _by, ...order } = update([1], new Uint8Array(200_000));
    for (let round = 0; round < 20; round++) {
      let isGiven = false;
      const given = giveNodeOrder(folder, order).then(() => (isGiven = true));
      let seen: unknown;
      while (seen === undefined) {
        if (hasNodeOrder(folder)) seen = (await takeNodeOrder(folder)) ?? "half an order";
        else if (isGiven) seen = "no order";
        await new Promise((resolve) => setImmediate(resolve));
      }
      await given;
      expect(seen).toMatchObject({ kind: "update", numbers: [1] });
    }
  });

  it.each(["no JSON", '{"kind":"update"}', '{"kind":"format","id":"12345678"}'])(
    "that is none is taken away: %s",
    async (text) => {
      await writeFile(join(folder, "node-order.json"), text);
      expect(await takeNodeOrder(folder)).toBeUndefined();
      expect(hasNodeOrder(folder)).toBe(false);
    },
  );
});
