import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRecordReader } from "../../gateway/record/reader.ts";
import { faultWords } from "../../gateway/record/words.ts";
import { eventually } from "../scenarios/kit.ts";
import {
  cannotMount,
  checkImage,
  failImage,
  fillDisk,
  mountImage,
  openImageDisk,
  openMemoryDisk,
} from "../support/disks.ts";
import { openKilledVillage, type KilledVillage, type RunningProcess } from "../support/killed-village.ts";
import { differenceOf, NO_DIFFERENCE } from "../support/ledger.ts";

/**
 * The whole gateway on a disk that fills up, or that the system makes read-only: meters are not told that their
 * readings are kept, everybody is told why, what is kept can be read, and nothing that was acknowledged is lost.
 */
const METERS = 3;
/** The journal's first segments, SQLite and some room: full within seconds. */
const DISK_MB = 40;
const PATIENCE_MS = 60_000;

let folder: string;
let stack: AsyncDisposableStack;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-full-"));
  stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true }));
});
afterEach(() => stack.disposeAsync());

interface Gateway {
  readonly running: RunningProcess;
  readonly url: string;
  /** Of the operator. */
  readonly cookie: string;
}

/** Starts the gateway, and signs the operator in while the disk still takes writes. */
async function startGateway(village: KilledVillage): Promise<Gateway> {
  const running = village.start("whole");
  const { portalPort } = await running.ready;
  const link = readFileSync(join(village.data, "operator-link"), "utf8").trim();
  const url = `http://127.0.0.1:${portalPort}`;
  const answer = await fetch(link, { method: "POST", redirect: "manual", headers: { origin: url } });
  expect(answer.status).toBe(303);
  const cookie = answer.headers.getSetCookie().map((one) => one.split(";")[0]);
  return { running, url, cookie: cookie.join("; ") };
}

interface Health {
  readonly status: string;
  readonly record: { readonly fault: string | null; readonly says: string | null };
}

const healthOf = async ({ url }: Gateway): Promise<Health> =>
  (await (await fetch(`${url}/health`)).json()) as Health;

/** The gateway says what is wrong wherever somebody may look, and shows what it has. */
async function expectToTell(gateway: Gateway, village: KilledVillage, fault: "disk full" | "read-only") {
  await eventually(
    `a record that is ${fault}`,
    async () => (await healthOf(gateway)).record.fault === fault,
    PATIENCE_MS,
  );
  const answer = await fetch(`${gateway.url}/health`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({
    recordFailing: true,
    record: { fault, says: faultWords(fault) },
  });
  expect(gateway.running.output()).toContain(faultWords(fault));
  const page = await fetch(`${gateway.url}/operator`, { headers: { cookie: gateway.cookie } });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain(faultWords(fault));
  compare(village);
}

function compare({ data, publishers }: KilledVillage): void {
  using reader = openRecordReader(data);
  expect(differenceOf(reader.readings, publishers)).toEqual(NO_DIFFERENCE);
}

const acknowledgedBy = ({ publishers }: KilledVillage): number =>
  publishers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);

/** All meters get rid of what they have, and the record has it. */
async function expectAllKept(village: KilledVillage, running: RunningProcess): Promise<void> {
  await Promise.all(village.publishers.map((publisher) => publisher.drain()));
  await running.end("SIGKILL");
  compare(village);
}

describe.skipIf(cannotMount("full and read-only disks"))("a gateway", () => {
  it.each([
    ["a tmpfs", openMemoryDisk],
    ["an ext4", openImageDisk],
  ])("on %s that is full says so, reads on, and goes on by itself", { timeout: 180_000 }, async (_, open) => {
    const disk = stack.use(open(folder, DISK_MB));
    const data = join(disk.folder, "data");
    const village = stack.use(await openKilledVillage({ folder, data, meters: METERS }));
    const gateway = await startGateway(village);
    await village.publishers[0]?.more(100);
    const ballast = fillDisk(disk.folder);
    await expectToTell(gateway, village, "disk full");
    const before = acknowledgedBy(village);
    rmSync(ballast);
    await eventually(
      "a record that commits",
      async () => (await healthOf(gateway)).status === "ok",
      PATIENCE_MS,
    );
    await eventually("acknowledgements", () => acknowledgedBy(village) > before + 300, PATIENCE_MS);
    expect(gateway.running.output()).toContain("the record commits again");
    await expectAllKept(village, gateway.running);
  });

  it(
    "on a disk that became read-only says so, reads on, and goes on after the next start",
    { timeout: 180_000 },
    async () => {
      const disk = stack.use(openImageDisk(folder, DISK_MB, "loop,errors=remount-ro"));
      const data = join(disk.folder, "data");
      const village = stack.use(await openKilledVillage({ folder, data, meters: METERS }));
      const gateway = await startGateway(village);
      await village.publishers[0]?.more(100);
      failImage(disk.image);
      await expectToTell(gateway, village, "read-only");
      await gateway.running.end("SIGTERM");
      disk[Symbol.dispose]();
      checkImage(disk.image);
      stack.use(mountImage(disk.image, disk.folder));
      const next = village.start("whole");
      await next.ready;
      await expectAllKept(village, next);
    },
  );
});
