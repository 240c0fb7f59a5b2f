import { toIso, type Instant } from "../../domain/model/index.ts";
import type { MeterView } from "../modbus/meters.ts";
import { STEP_MS, UTC_OFFSET_MINUTES } from "../village/place.ts";

/** A message below the device's topic. */
export interface Message {
  readonly subtopic: string;
  readonly payload: Uint8Array;
}

const json = (subtopic: string, value: unknown): Message => ({
  subtopic,
  payload: Buffer.from(JSON.stringify(value)),
});
const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** "2026-06-15T12:00:00": Tasmota writes local time and no zone. */
const localIso = (time: Instant): string =>
  toIso((time + UTC_OFFSET_MINUTES * STEP_MS) as Instant).slice(0, 19);

/** A plug with Tasmota: telemetry as in its documentation, "MQTT" and "Energy Monitoring". */
export function tasmotaSensor(view: MeterView, time: Instant): Message {
  const apparent = view.power / view.powerFactor;
  return json("tele/SENSOR", {
    Time: localIso(time),
    ENERGY: {
      TotalStartTime: "2025-01-01T00:00:00",
      Total: round(view.importWh / 1_000, 3),
      Power: Math.round(view.power),
      ApparentPower: Math.round(apparent),
      ReactivePower: Math.round(Math.sqrt(Math.max(0, apparent ** 2 - view.power ** 2))),
      Factor: round(view.powerFactor, 2),
      Frequency: round(view.frequency, 1),
      Voltage: Math.round(view.voltage),
      Current: round(apparent / view.voltage, 3),
    },
  });
}

/** What Tasmota makes of a command's payload ("Commands", POWER); undefined for what only asks, or is nothing. */
export function tasmotaPower(payload: Uint8Array, isOn: boolean): boolean | undefined {
  const said = Buffer.from(payload).toString().trim().toLowerCase();
  if (["on", "1", "true"].includes(said)) return true;
  if (["off", "0", "false"].includes(said)) return false;
  return ["toggle", "2"].includes(said) ? !isOn : undefined;
}

/** Its answer to every command: once as JSON, once as a word. */
export const tasmotaAnswer = (isOn: boolean): readonly Message[] => [
  json("stat/RESULT", { POWER: isOn ? "ON" : "OFF" }),
  { subtopic: "stat/POWER", payload: Buffer.from(isOn ? "ON" : "OFF") },
];

/** A metering relay of Shelly's second generation: Switch component, `Switch.GetStatus`. */
export function shellyStatus(view: MeterView, time: Instant): Message {
  const minuteMilliWattHours = round((view.power * 1_000) / 60, 3);
  return json("status/switch:0", {
    id: 0,
    source: "timer",
    output: true,
    apower: round(view.power, 1),
    voltage: round(view.voltage, 1),
    freq: round(view.frequency, 1),
    current: round(view.power / view.powerFactor / view.voltage, 3),
    pf: round(view.powerFactor, 2),
    aenergy: {
      total: round(view.importWh, 3),
      by_minute: [minuteMilliWattHours, minuteMilliWattHours, minuteMilliWattHours],
      minute_ts: Math.floor(time / STEP_MS) * 60,
    },
    temperature: { tC: 41.3, tF: 106.3 },
  });
}

/** The same relay's notification: a delta, with only what changed. */
export function shellyNotification(view: MeterView, time: Instant, source: string): Message {
  const current = round(view.power / view.powerFactor / view.voltage, 3);
  return json("events/rpc", {
    src: source,
    dst: `${source}/events`,
    method: "NotifyStatus",
    params: { ts: round(time / 1_000, 2), "switch:0": { id: 0, apower: round(view.power, 1), current } },
  });
}
