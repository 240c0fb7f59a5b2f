import { FieldwattError, instant, type Sample } from "../../domain/model/index.ts";
import type { DeviceDefinition, LorawanDialect, LorawanPoint, LorawanType } from "../definition.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { problem } from "../modbus/points.ts";
import { scaled, stored, targetName, targetOf, tidy } from "../value.ts";
import { decentlabFields } from "./decentlab.ts";
import { type Field, type Fields } from "./field.ts";
import { milesightFields } from "./milesight.ts";
import { plainFields } from "./plain.ts";
import { sensecapFields } from "./sensecap.ts";

/**
 * LoRaWAN payloads are decoded here, not by a maker's JavaScript: no foreign code runs, and the errors that those
 * programs hold (a hundredth of a degree below zero, an error pattern that becomes −0.1 °C, an absent depth that
 * becomes −327.68 °C) are not taken over.
 */
export interface LorawanPayload {
  readonly bytes: Uint8Array;
  /** The port (FPort); undefined where it is not known. */
  readonly port?: number | undefined;
}

/** The longest payload that any region and data rate carries (LoRaWAN Regional Parameters, N without repeater). */
const MAX_BYTES = 242;

/** Decodes one payload. Throws DECODE_INPUT_INVALID where the device is no LoRaWAN device. */
export function decodeLorawan(definition: DeviceDefinition, payload: LorawanPayload): Decoded {
  const { dialect } = definition;
  if (dialect.kind !== "lorawan")
    throw new FieldwattError("DECODE_INPUT_INVALID", `${definition.id} is no LoRaWAN device`);
  return decodePayload(dialect, payload);
}

function decodePayload(dialect: LorawanDialect, { bytes, port }: LorawanPayload): Decoded {
  if (port !== undefined && dialect.ports.length > 0 && !dialect.ports.includes(port))
    return problem("unexpectedReply", `port ${port} carries no measurements`);
  if (bytes.length === 0) return problem("truncated", "the payload is empty");
  if (bytes.length > MAX_BYTES) return problem("malformed", `${bytes.length} bytes are no LoRaWAN payload`);
  const { fields, problems } = fieldsOf(dialect, bytes);
  const decoded = fields.flatMap((field) =>
    dialect.points.filter((point) => point.field === field.name).map((point) => decodePoint(point, field)),
  );
  return joined([...decoded, { samples: [], problems }]);
}

function fieldsOf(dialect: LorawanDialect, bytes: Uint8Array): Fields {
  switch (dialect.codec) {
    case "plain":
      return plainFields(dialect, bytes);
    case "milesight":
      return milesightFields(dialect, bytes);
    case "sensecap":
      return sensecapFields(bytes);
    case "decentlab":
      return decentlabFields(dialect, bytes);
  }
}

function decodePoint(point: LorawanPoint, field: Field): Decoded {
  const { when } = point;
  if (when && ((field.bytes[when.at] ?? 0) & when.mask) !== when.is) return NOTHING;
  if (point.at + SIZES[point.as] > field.bytes.length) return NOTHING;
  const { pattern, number } = numberAt(point, field);
  if (point.sentinels.includes(pattern))
    return problem(
      "sentinel",
      `${targetName(point)}: 0x${pattern.toString(16)} means that there is no value`,
    );
  return judged(point, number + point.offset, field);
}

/** A value that cannot be true is kept, marked and told: nothing after this may use it as if it were one. */
function judged(point: LorawanPoint, number: number, field: Field): Decoded {
  const shown = scaled(number, point.scale);
  const [least, most] = point.valid ?? [-Infinity, Infinity];
  const plausible = shown >= least && shown <= most;
  const quality = plausible ? point.quality : "implausible";
  const sample: Sample = {
    ...targetOf(point),
    value: stored(point, number),
    ...(quality && { quality }),
    ...(field.seconds !== undefined && { time: instant(field.seconds * 1000) }),
  };
  if (plausible) return { samples: [sample], problems: [] };
  const detail = `${targetName(point)} is ${tidy(shown)} ${point.unit}, outside ${least} to ${most}`;
  return { samples: [sample], problems: [{ code: "outOfRange", detail }] };
}

const SIZES: Readonly<Record<LorawanType, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
};

/** The bits, unsigned, and the number that they are; a mask makes it unsigned. */
function numberAt(point: LorawanPoint, { bytes, littleEndian }: Field): { pattern: number; number: number } {
  const size = SIZES[point.as];
  const part = [...bytes.subarray(point.at, point.at + size)];
  const pattern = (littleEndian ? part.toReversed() : part).reduce((sum, byte) => sum * 256 + byte, 0);
  if (point.mask !== undefined) return { pattern, number: (pattern & point.mask) >>> 0 };
  const negative = !point.as.startsWith("u") && pattern >= 2 ** (8 * size - 1);
  return { pattern, number: negative ? pattern - 2 ** (8 * size) : pattern };
}
