import { afterAll, beforeAll, expect, it } from "vitest";
import { adviceAnswer } from "../../protocol/messages.ts";
import { batch, item, openVillage, subject, uccle, type Village } from "../../test/support/hub.ts";
import { adviseOnFarmDays } from "./advisory.ts";

let village: Village;
beforeAll(async () => {
  village = await openVillage(["north"]);
});
afterAll(() => village[Symbol.asyncDispose]());

const withoutTemperature = () => {
  const summary = uccle(subject(2));
  if (summary.kind !== "farmDay") throw new Error("not a farm day");
  const { airTemperatureMin: _, ...farm } = summary.farm;
  return { ...summary, farm };
};

it("advises once on each farm day, with inputs and stand-ins, and says so when it does not know", async () => {
  const known = uccle(subject(1));
  await village.tell("north", batch([item(1, known), item(2, withoutTemperature())]));
  expect(await adviseOnFarmDays(village.storage, village.clock.now())).toBe(2);
  expect(await adviseOnFarmDays(village.storage, village.clock.now())).toBe(0);
  const rows = await village.storage.query(
    "SELECT answer FROM answer WHERE gateway = 'north' ORDER BY sequence",
  );
  const [first, second] = rows.map(({ answer }) => adviceAnswer.parse(JSON.parse(String(answer))));
  // FAO-56 Example 18: 3.88 mm with the wind of 10 m height, 2.78 m/s.
  expect(first).toMatchObject({
    subject: subject(1),
    day: "2026-07-06",
    model: "fao56-penman-monteith-daily",
    referenceEvapotranspiration: 3.88,
    fallbacks: [],
    inputs: {
      airTemperatureMax: 21.5,
      windSpeedMean: 2.778,
      windSensorHeight: 10,
      latitude: 50.8,
      elevation: 100,
      dayOfYear: 187,
    },
  });
  expect(second).toMatchObject({
    subject: subject(2),
    unknownBecause: "the air temperature was not measured",
  });
  expect(second).not.toHaveProperty("referenceEvapotranspiration");
});
