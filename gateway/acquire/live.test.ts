import { expect, it } from "vitest";
import { deviceId, instant, streamId, type Reading } from "../../domain/model/index.ts";
import { createLive } from "./live.ts";

const NOON = Date.UTC(2026, 5, 15, 12);
const meter = deviceId("meter-1");
const reading = (seconds: number, value: number): Reading => ({
  stream: streamId(meter, "activePower"),
  time: instant(NOON + seconds * 1_000),
  value,
  quality: "ok",
});

it("knows the newest reading of every stream of a device, and nothing of a stranger", () => {
  const live = createLive();
  live.update([reading(0, 100), { ...reading(0, 230), stream: streamId(meter, "voltage") }]);
  live.update([reading(10, 200)]);
  expect(live.latest(meter).map(({ value }) => value)).toEqual([200, 230]);
  expect(live.latest(deviceId("meter-2"))).toEqual([]);
});

it("is not turned back by a backlog, and does not tell it", () => {
  const live = createLive();
  const heard: number[] = [];
  live.onReading(({ value }) => heard.push(value));
  live.update([reading(10, 200)]);
  live.update([reading(0, 100)]);
  expect(live.latest(meter)[0]?.value).toBe(200);
  expect(heard).toEqual([200]);
});

it("tells every listener until it leaves", () => {
  const live = createLive();
  const heard: string[] = [];
  const leave = live.onReading(({ value }) => heard.push(`a${value}`));
  live.onReading(({ value }) => heard.push(`b${value}`));
  live.update([reading(0, 1)]);
  leave();
  live.update([reading(1, 2)]);
  expect(heard).toEqual(["a1", "b1", "b2"]);
});

it("hears out at most 1,000 listeners", () => {
  const live = createLive();
  let heard = 0;
  for (let count = 0; count < 1_001; count++) live.onReading(() => heard++);
  live.update([reading(0, 1)]);
  expect(heard).toBe(1_000);
});
