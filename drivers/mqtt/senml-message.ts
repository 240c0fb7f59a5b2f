import { messageOf, type Instant } from "../../domain/model/index.ts";
import type { MqttMessageRule } from "./dialect.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import { decodeNamed, pointNamed } from "./named.ts";
import { readSenml, timeOfRecord, unitFromSenml, type SenmlRecord } from "./senml.ts";

/** A SenML message: the record's last name part is the quantity; what comes before names the device. */
export function decodeSenml(rule: MqttMessageRule, payload: Uint8Array, now: Instant | undefined): Decoded {
  try {
    return joined(readSenml(payload).map((record) => decodeRecord(rule, record, now)));
  } catch (error) {
    return problem("malformed", messageOf(error));
  }
}

function decodeRecord(rule: MqttMessageRule, record: SenmlRecord, now: Instant | undefined): Decoded {
  const { name, unit, value } = record;
  if (typeof value !== "number" || !pointNamed(rule, name)) return NOTHING;
  const live = record.time.kind === "relative" && record.time.seconds === 0;
  const time = live ? undefined : timeOfRecord(record, now);
  if (!live && time === undefined)
    return problem("malformed", `${name} has a time relative to an unknown now`);
  return decodeNamed(rule, {
    name,
    value,
    ...(unit !== undefined && { unit: unitFromSenml(unit) }),
    ...(time !== undefined && { time }),
  });
}
