import { expect, it } from "vitest";
import { deviceId, instant, type Mounting, type Quantity } from "../model/index.ts";
import { normalise } from "./normalise.ts";

const now = instant(Date.UTC(2026, 5, 15));

// Signs by hand from the words of DESIGN: import to the site is positive; a source's output is positive.
it.each<{
  name: string;
  mounting: Mounting;
  reversed: boolean;
  generator: boolean;
  quantity: Quantity;
  value: number;
  gives: [string, number];
}>([
  {
    name: "a grid meter that draws",
    mounting: "grid",
    reversed: false,
    generator: false,
    quantity: "activePower",
    value: 900,
    gives: ["activePower", 900],
  },
  {
    name: "a grid meter wired the other way",
    mounting: "grid",
    reversed: true,
    generator: false,
    quantity: "activePower",
    value: -900,
    gives: ["activePower", 900],
  },
  {
    name: "its registers change places",
    mounting: "grid",
    reversed: true,
    generator: false,
    quantity: "activeEnergyExport",
    value: 5,
    gives: ["activeEnergyImport", 5],
  },
  {
    name: "an inverter that delivers",
    mounting: "solar",
    reversed: false,
    generator: true,
    quantity: "activePower",
    value: 1500,
    gives: ["activePower", 1500],
  },
  {
    name: "a meter on a roof sees a generator as negative",
    mounting: "solar",
    reversed: false,
    generator: false,
    quantity: "activePower",
    value: -1500,
    gives: ["activePower", 1500],
  },
  {
    name: "a meter on a roof that was wired as a load",
    mounting: "solar",
    reversed: true,
    generator: false,
    quantity: "activePower",
    value: 1500,
    gives: ["activePower", 1500],
  },
  {
    name: "a pump that uses",
    mounting: "pump",
    reversed: false,
    generator: false,
    quantity: "activePower",
    value: 750,
    gives: ["activePower", 750],
  },
  {
    name: "a probe has no direction",
    mounting: "soil",
    reversed: false,
    generator: false,
    quantity: "soilTemperature",
    value: -3.5,
    gives: ["soilTemperature", -3.5],
  },
])("$name", ({ mounting, reversed, generator, quantity, value, gives }) => {
  const reading = normalise(
    { quantity, value },
    { device: deviceId("d"), mounting, reversed, generator },
    now,
  );
  expect([reading.stream, reading.value]).toEqual([`d/${gives[0]}`, gives[1]]);
});

it("keeps the device's own time where it has one", () => {
  const earlier = instant(now - 3_600_000);
  const placement = {
    device: deviceId("d"),
    mounting: "weather",
    reversed: false,
    generator: false,
  } as const;
  expect(normalise({ quantity: "rainfall", value: 1, time: earlier }, placement, now).time).toBe(earlier);
});
