import type { ElectricityView } from "../../simulators/telegram/view.ts";

/** What a meter of telegrams shows: two tariffs, three phases. */
export const METER_VIEW: ElectricityView = {
  serial: "40000001",
  time: Date.UTC(2026, 5, 15, 10),
  imported: [1_234_560, 7_654_320],
  exported: [10, 20],
  power: 328,
  voltages: [230.1, 231.2, 229.9],
};
