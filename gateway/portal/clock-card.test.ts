import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FieldwattError, instant } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { MIDNIGHT, NOW, openSeeded, type Seeded } from "../../test/support/seeded-portal.ts";
import type { ClockStatus } from "../time/time.ts";
import { createPortal } from "./portal.ts";

/** What members and operators read of the clock, in each of its states. */
let folder: string;
let seeded: Seeded;
const said: number[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldwatt-clock-"));
  seeded = await openSeeded(folder);
});
afterAll(async () => {
  await seeded[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function ask(
  status: ClockStatus,
  request: { path: string; person: string; now?: string },
): Promise<Response> {
  const clock = new ManualClock(NOW);
  clock.trust(status.state !== "unset");
  const time = {
    status: () => status,
    confirm(time: number) {
      if (time < MIDNIGHT) return Promise.reject(new FieldwattError("CLOCK_REFUSED", "too early"));
      said.push(time);
      return Promise.resolve();
    },
  };
  const app = createPortal({ ...seeded.options, clock, time });
  const cookie = `fieldwatt-gateway=${seeded.accounts.openSession(request.person)}`;
  const body = request.now === undefined ? undefined : new URLSearchParams({ now: request.now });
  const post = body && { method: "POST", body };
  const headers = { cookie, origin: "http://kijiji.local", host: "kijiji.local" };
  return Promise.resolve(app.request(`http://kijiji.local${request.path}`, { headers, ...post }));
}

const unset: ClockStatus = { state: "unset", because: "not synchronised", undated: 1_234, machine: 5_000 };
const operator = { path: "/operator", person: "mwalimu" };

it.each<[ClockStatus, RegExp[]]>([
  [
    { state: "trusted", since: NOW, source: "ntp", because: "NTP", undated: 0 },
    [/Trusted since 15 Jun, 14:40/],
  ],
  [
    unset,
    [/does not know the time/, /wait for their time: 1,234/, /not synchronised/, /1970-01-01T03:00:05/],
  ],
  [{ ...unset, state: "jumped", since: NOW }, [/jumped at 15 Jun, 14:40/]],
  [{ ...unset, state: "holdover", since: NOW }, [/Counting on by itself since 15 Jun, 14:40/]],
])("shows the operator %o", async (status, words) => {
  const page = await (await ask(status, operator)).text();
  for (const word of words) expect(page).toMatch(word);
  expect(page.includes('action="/operator/clock"')).toBe(status.state !== "trusted");
});

it("tells a member in words that figures wait for the time, and nothing of it when it is known", async () => {
  const member = { path: "/", person: "house-01" };
  expect(await (await ask(unset, member)).text()).toMatch(/does not know the time yet/);
  expect(await (await ask({ ...unset, state: "jumped", since: NOW }, member)).text()).not.toMatch(
    /know the time/,
  );
});

it("takes the operator's word for the time on the clocks of the village, and says why it does not", async () => {
  const clock = { ...operator, path: "/operator/clock" };
  expect((await ask(unset, { ...clock, now: "2026-06-15T14:40:30" })).status).toBe(303);
  expect(said).toEqual([instant(NOW + 30_000)]);
  const refused = await ask(unset, { ...clock, now: "2026-06-14T14:40:30" });
  expect(await refused.text()).toMatch(/was not taken: too early/);
  expect(await (await ask(unset, { ...clock, now: "half past two" })).text()).toMatch(
    /was not taken: half past/,
  );
  expect((await ask(unset, { ...clock, person: "house-01", now: "2026-06-15T14:40:30" })).status).toBe(403);
});
