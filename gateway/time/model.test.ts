import fc from "fast-check";
import { expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { isSure, JUMP_MS, SOURCE_LASTS_MS, step, timeAt, unset } from "./model.ts";
import type { ClockModel, ClockSource, Look } from "./model.ts";

const NOON = Date.UTC(2026, 5, 15, 12);
const DAY = 86_400_000;
const TEN_YEARS = 3_652 * DAY;

/** A machine whose wall clock is `ahead` of the true time, at a true time counted in ms since its start at noon. */
const look = (uptime: number, ahead = 0, source?: ClockSource, because?: string): Look => ({
  uptime,
  wall: NOON + uptime + ahead,
  ...(source && { confirmed: { source, time: instant(NOON + uptime + ahead) } }),
  ...(because !== undefined && { because }),
});
const walk = (looks: readonly Look[], from: ClockModel = unset(0, "started")): ClockModel =>
  looks.reduce((model, one) => step(model, one).model, from);
const trusted = walk([look(1_000, 0, "ntp")]);

it("knows no time until a source vouches for one", () => {
  const waiting = walk([look(1_000, -NOON, undefined, "1970")]);
  expect([waiting.state, waiting.because, timeAt(waiting, 1_000)]).toEqual(["unset", "1970", undefined]);
  expect([trusted.state, timeAt(trusted, 61_000)]).toEqual(["trusted", NOON + 61_000]);
});

it.each([
  ["a day back", -DAY],
  ["a day ahead", DAY],
  ["ten years ahead", TEN_YEARS],
  ["to 1970", -NOON],
])("counts on where the machine's clock jumps %s, and says so", (_name, jump) => {
  const { model, changed, correction } = step(trusted, look(6_000, jump));
  expect([model.state, changed, correction]).toEqual(["jumped", true, undefined]);
  expect(timeAt(model, 60_000)).toBe(NOON + 60_000);
  expect(isSure(model, 60_000)).toBe(false);
  const back = step(model, look(11_000));
  expect([back.model.state, isSure(back.model, 11_000)]).toEqual(["trusted", true]);
});

it.each([-DAY, DAY, TEN_YEARS])(
  "moves the line by %i ms when a source confirms the jump, and says by how much",
  (jump) => {
    const jumped = walk([look(6_000, jump)], trusted);
    const { model, correction } = step(jumped, look(11_000, jump, "ntp"));
    expect(correction).toMatchObject({ from: NOON + 11_000, to: NOON + 11_000 + jump });
    expect([model.state, timeAt(model, 12_000)]).toEqual(["trusted", NOON + 12_000 + jump]);
  },
);

it("does not let the machine's own clock move a line", () => {
  const own = walk([look(1_000, 0, "system")]);
  const { model, correction } = step(own, look(6_000, DAY, "system"));
  expect([model.state, correction, timeAt(model, 6_000)]).toEqual(["jumped", undefined, NOON + 6_000]);
});

it("counts on by itself when the sources have been silent for hours, and doubts itself after a week", () => {
  const late = SOURCE_LASTS_MS + 2_000;
  const alone = step(trusted, look(late, 0, undefined, "no NTP")).model;
  expect([alone.state, isSure(alone, late)]).toEqual(["holdover", true]);
  expect([isSure(alone, 6 * DAY), isSure(alone, 8 * DAY)]).toEqual([true, false]);
  expect(step(alone, look(late + 5_000, 0, "ntp")).model.state).toBe("trusted");
});

it("takes a person's word over the machine's clock, which may say 1970 all the while", () => {
  const said = { ...look(1_000, -NOON), confirmed: { source: "operator", time: instant(NOON) } } as const;
  const model = walk([said, look(6_000, -NOON, undefined, "1970"), look(11_000, -NOON)]);
  expect([model.state, timeAt(model, 11_000)]).toEqual(["trusted", NOON + 10_000]);
});

it("never lets time run back over small differences, whatever the looks are", () => {
  const looks = fc.array(
    fc.record({
      ms: fc.integer({ min: 1, max: 60_000 }),
      off: fc.integer({ min: -JUMP_MS / 2, max: JUMP_MS / 2 }),
      source: fc.constantFrom<(ClockSource | undefined)[]>("ntp", "hub", "system", undefined),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(looks, (steps) => {
      let [model, uptime, last] = [trusted, 1_000, NOON + 1_000];
      for (const { ms, off, source } of steps) {
        uptime += ms;
        const next = step(model, look(uptime, off, source));
        expect(next.correction).toBeUndefined();
        model = next.model;
        const time = Number(timeAt(model, uptime));
        expect(time).toBeGreaterThan(last - 1);
        expect(Math.abs(time - NOON - uptime)).toBeLessThanOrEqual(JUMP_MS);
        last = time;
      }
    }),
    { numRuns: 2_000 },
  );
});
