import { describe, expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { decodeMessage, deviceMemory, loadCatalogue } from "../../drivers/index.ts";
import { targetName } from "../../drivers/value.ts";
import { mqttFake, mqttFakes } from "./dialects.ts";

/** What the fakes measure: values that every dialect can say with its own digits. */
const SCENE: Readonly<Record<string, number>> = {
  activePower: 151.5,
  voltage: 231,
  current: 0.75,
  frequency: 50,
  powerFactor: 0.95,
  reactivePower: 12.5,
  activeEnergyImport: 12_340,
  activeEnergyExport: 13_338,
  deviceTemperature: -3.5,
  airTemperature: -1.5,
  relativeHumidity: 56.5,
  atmosphericPressure: 84.5,
  soilMoisture: 0.31,
  soilTemperature: -0.5,
  soilConductivity: 640,
  soilNitrogen: 48,
  soilPhosphorus: 32,
  soilPotassium: 95,
  solarIrradiance: 610,
  rainfall: 0.2,
  windSpeed: 2.4,
  windDirection: 180,
  vapourPressure: 1.8,
  electricCharge: 1200.5,
  "stateOfCharge.battery": 91,
  "voltage.battery": 3.3,
  "windSpeed.gust": 6.1,
  "deviceTemperature.ds18b20": -10.5,
  "soilMoisture.0": 0.25,
  "soilTemperature.0": 19.25,
};

const catalogue = await loadCatalogue();

describe.each(mqttFakes())("the fake of %s", (device) => {
  it("is read by the device file: at least two values, each as it was measured", () => {
    const topic = "village/fake";
    const [definition, memory, fake] = [
      catalogue.find(device.split(":")[0] ?? ""),
      deviceMemory(),
      mqttFake(device, topic),
    ];
    const turns = [0, 1].map((turn) => {
      const time = instant(Date.UTC(2026, 5, 15, 12, turn));
      const messages = fake?.({ measured: (target) => SCENE[target], time, turn }) ?? [];
      const decoded = messages.map((message) =>
        decodeMessage(definition, { ...message, base: topic }, memory),
      );
      return Object.fromEntries(
        decoded.flatMap(({ samples }) =>
          samples.map((sample) => [targetName(sample), sample.value] as const),
        ),
      );
    });
    for (const values of turns) {
      const measured = Object.keys(values).filter((target) => target in SCENE);
      expect(measured.length).toBeGreaterThanOrEqual(2);
      for (const target of measured) expect([target, values[target]]).toEqual([target, SCENE[target]]);
    }
  });
});
