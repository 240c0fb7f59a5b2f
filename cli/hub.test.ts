import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { batch, energy, item, MIDNIGHT, SLOT, subject } from "../test/support/hub.ts";
import { putPglite, temporaryFolder } from "../test/support/pglite-folder.ts";
import { enrolled, hubFileOf, WireGateway, type HubAddress } from "../test/support/wire-gateway.ts";

const folder = temporaryFolder("hub-process");
const file = join(folder.path, "hub.yaml");
const north = enrolled("north");
writeFileSync(file, hubFileOf([north]));

let child: ChildProcess | undefined;
beforeAll(() => putPglite(join(folder.path, "data")));
afterEach(() => child?.kill("SIGKILL"));
afterAll(() => folder.remove());

/** `fieldwatt hub run` as a process of its own; resolves with what it tells its parent when it is ready. */
async function startHub(): Promise<{ hub: ChildProcess; ready: HubAddress & { portalPort: number } }> {
  const main = new URL("./main.ts", import.meta.url);
  child = fork(main, ["hub", "run", "--config", file], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [ready] = (await once(child, "message")) as [HubAddress & { portalPort: number; event: string }];
  expect(ready.event).toBe("ready");
  return { hub: child, ready };
}

const items = Array.from({ length: 50 }, (_, i) =>
  item(i + 1, energy(subject(1), MIDNIGHT + i * SLOT, { imported: 100 })),
);

it("has everything that it acknowledged after kill -9, tells its answers again, and ends cleanly on SIGTERM", async () => {
  {
    const { hub, ready } = await startHub();
    await using gateway = await WireGateway.connect(north, ready);
    await gateway.send(batch(items, { completeThrough: MIDNIGHT + 50 * SLOT }));
    hub.kill("SIGKILL");
    await once(hub, "exit");
  }
  const { hub, ready } = await startHub();
  await using gateway = await WireGateway.connect(north, ready);
  const last = item(51, energy(subject(1), MIDNIGHT + 50 * SLOT, { imported: 100 }));
  const { gaps } = await gateway.exchange(batch([last], { completeThrough: MIDNIGHT + 51 * SLOT }));
  expect(gaps).toEqual([]);
  const { answers } = await gateway.next("answers");
  expect(answers.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 51 }, (_, i) => i + 1));
  expect(answers.map(({ answer }) => answer.kind === "clearing" && answer.slot)).toEqual(
    Array.from({ length: 51 }, (_, i) => MIDNIGHT + i * SLOT),
  );
  hub.kill("SIGTERM");
  expect(await once(hub, "exit")).toEqual([0, null]);
}, 60_000);
