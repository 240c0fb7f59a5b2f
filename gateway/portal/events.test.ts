import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Hono } from "hono";
import { addMs } from "../../domain/model/index.ts";
import { openAssets, openSessions, type SessionEnv } from "../../platform/web/index.ts";
import { liveReadings, NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import { liveStream, STREAMS_MAX } from "./events.ts";

let folder: string;
let seeded: Seeded;
let open: (session: string) => Promise<Response>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-events-"));
  seeded = await openSeeded(folder);
  for (const id of ["house-01", "house-02"]) seeded.accounts.addPerson({ id, role: "member" });
  const sessions = openSessions(seeded.accounts, "session");
  const app = new Hono<SessionEnv>();
  const stream = liveStream(
    {
      ...seeded.options,
      ...{ assets: openAssets(), sessions },
      governance: { standing: () => ({ kind: "none", because: "noneVoted" }) },
    },
    { tickMs: 5, quietMs: 50 },
  );
  app.get("/api/live", sessions.require("member"), stream);
  open = async (session) =>
    app.request("http://kijiji.local/api/live", { headers: { cookie: `session=${session}` } });
});
afterEach(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** The figures in use of each event until the stream ends; `between` runs after each. */
async function figures(answer: Response, between: (seen: number) => void): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const chunk of answer.body ?? []) {
    seen.push(JSON.parse(/data: (.*)/.exec(new TextDecoder().decode(chunk))?.[1] ?? "").using);
    between(seen.length);
  }
  return seen;
}

it("tells a new reading of the member's devices, and ends when the session ends", async () => {
  const session = seeded.accounts.openSession("house-01");
  const seen = await figures(await open(session), (count) => {
    if (count === 1) {
      const [grid] = liveReadings(addMs(NOW, 1_000));
      if (grid) seeded.live.update([{ ...grid, value: -430 }]);
      return;
    }
    seeded.accounts.closeSession(session);
    seeded.live.update(liveReadings(addMs(NOW, 2_000)));
  });
  // 1430 W from the roof less what goes to the grid: 812 W, then 430 W.
  expect(seen).toEqual([618, 1000]);
});

it("is not woken by a neighbour's reading", async () => {
  const session = seeded.accounts.openSession("house-01");
  const seen = await figures(await open(session), () => {
    const neighbour = liveReadings(addMs(NOW, 1_000)).filter(({ stream }) => stream.startsWith("house-02"));
    seeded.live.update(neighbour);
    seeded.accounts.closeSession(session);
  });
  // The next look is the quiet one, which finds the session ended.
  expect(seen).toEqual([618]);
});

it(`answers 503 when ${STREAMS_MAX} pages listen, and has room again when one leaves`, async () => {
  const session = seeded.accounts.openSession("house-01");
  const pages: Response[] = [];
  for (let i = 0; i < STREAMS_MAX; i += 1) pages.push(await open(session));
  expect((await open(session)).status).toBe(503);
  seeded.accounts.closeSession(session);
  await Promise.all(pages.map((page) => figures(page, () => undefined)));
  const other = await open(seeded.accounts.openSession("house-02"));
  expect(other.status).toBe(200);
  await other.body?.cancel();
});
