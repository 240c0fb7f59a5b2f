import { expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { steadySummariser } from "./steady.ts";
import type { Beginning } from "./summariser.ts";

const NOON = instant(Date.UTC(2026, 5, 15, 12));

function kit() {
  const clock = new ManualClock(NOON);
  clock.trust(false);
  const made: Beginning[] = [];
  const time = {
    clock,
    corrections: 0,
    startedOn: () => NOON,
    leap: () => (time.corrections === 0 ? undefined : NOON),
    exclusive: <T>(work: () => Promise<T>): Promise<T> => work(),
  };
  const summariser = steadySummariser(time, (beginning) => {
    made.push(beginning);
    return { observe: () => undefined, pass: () => Promise.resolve(true) };
  });
  return { clock, time, made, summariser };
}

it("closes nothing before the time is known", async () => {
  const { clock, made, summariser } = kit();
  summariser.observe([]);
  expect([await summariser.pass(), made]).toEqual([false, []]);
  clock.trust(true);
  expect([await summariser.pass(), made]).toEqual([true, [{ started: NOON, leap: undefined }]]);
});

it("begins anew where the time was corrected, and only then", async () => {
  const { clock, time, made, summariser } = kit();
  clock.trust(true);
  await summariser.pass();
  summariser.observe([]);
  time.corrections++;
  await summariser.pass();
  expect(made).toEqual([
    { started: NOON, leap: undefined },
    { started: NOON, leap: NOON },
  ]);
});
