import { FieldwattError, type Quantity } from "../domain/model/index.ts";
import type { Fault } from "./faults.ts";
import type { DeviceFile, VillagePlan } from "./plan.ts";
import type { YardDeviceFile } from "./yard/plan.ts";

const METER: readonly Quantity[] = ["activePower", "voltage", "frequency"];

/** What of each kind of device can be shifted. */
const SHIFTABLE: Readonly<Record<DeviceFile | YardDeviceFile, readonly Quantity[]>> = {
  "eastron-sdm120": METER,
  "eastron-sdm630": METER,
  "peacefair-pzem-004t-v3": METER,
  "tasmota-energy": METER,
  "shelly-energy": METER,
  "sunspec-inverter": [],
  "victron-mppt": [],
  "zts-3000-tr-ws-n01": ["soilMoisture", "soilTemperature", "soilConductivity", "soilPh"],
  "fieldwatt-weather-station": ["airTemperature", "relativeHumidity"],
  "waveshare-analog-input-8ch-tank": ["tankLevel"],
  "victron-bmv": ["stateOfCharge"],
  "zigbee2mqtt-climate": ["airTemperature", "relativeHumidity"],
};

/** @throws FieldwattError OPTION_INVALID for a device that there is not, or a quantity that it does not measure */
export function checkFaults({ devices, yard }: VillagePlan, faults: readonly Fault[]): void {
  const files = new Map<string, DeviceFile | YardDeviceFile | undefined>([
    ...devices.map(({ id, device }) => [id, device] as const),
    ...yard.map(({ id, measures }) => [id, measures?.device] as const),
  ]);
  for (const fault of faults) {
    const wrong = (what: string) => new FieldwattError("OPTION_INVALID", what);
    if (!files.has(fault.device)) {
      const known = [...files.keys()].join(", ");
      throw wrong(`There is no device "${fault.device}" for the fault "${fault.kind}"; there are ${known}`);
    }
    const file = files.get(fault.device);
    const own = file === undefined ? [] : SHIFTABLE[file];
    if (fault.kind === "shift" && !own.includes(fault.quantity))
      throw wrong(
        `${fault.device} has no ${fault.quantity} to be shifted; it has ${own.join(", ") || "nothing of the kind"}`,
      );
  }
}
