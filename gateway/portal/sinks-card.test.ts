import { expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import type { SinkState } from "../sinks/follow.ts";
import { sinksCard } from "./sinks-card.ts";
import { formatFor } from "./format.ts";
import { messages } from "./messages.ts";

const base: SinkState = { name: "influxdb", connected: true, behindSeconds: 0, written: 9, refused: 0 };
const speech = { language: "en" as const, t: messages.en, f: formatFor("en", "UTC") };
const cardOf = async (...states: SinkState[]): Promise<string> =>
  String(await sinksCard({ sinks: { states: () => states } } as never, speech)).replace(/\s+/g, " ");

it.each<[string, Partial<SinkState>, string]>([
  ["that keeps up", { behind: 0 }, "InfluxDB: takes readings"],
  ["that was just opened", { connected: false }, "InfluxDB: nothing was written yet"],
  [
    "that is away, with how much waits",
    {
      connected: false,
      behind: 1_200,
      behindSeconds: 90,
      fault: { message: "ECONNREFUSED", time: instant(0) },
    },
    "Waiting: 1,200 readings, the newest of them 90 s old.",
  ],
  ["that refused readings", { behind: 0, refused: 2 }, "Refused for good: 2 readings."],
  [
    "that had a fault, with its words as text",
    { behind: 0, fault: { message: "<b>400</b>", time: instant(0) } },
    "&lt;b&gt;400&lt;/b&gt;",
  ],
])("tells of a sink %s", async (_, state, words) => {
  expect(await cardOf({ ...base, ...state })).toContain(words);
});

it("says nothing where the site has no sink", () => {
  expect(sinksCard({} as never, speech)).toBe("");
});
