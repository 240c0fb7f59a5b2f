import { FieldwattError } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import { joined, type Decoded } from "../driver.ts";
import { decodeTelegramBytes } from "../telegram/codecs.ts";
import type { IndexedTelegram } from "../telegram/telegram.ts";
import { lastOfEach, vedirectBlocks } from "./vedirect.ts";

/**
 * Every telegram in the recorded bytes of a device on a serial line, in order. Throws DECODE_INPUT_INVALID where the
 * device sends none.
 */
export function decodeSerialTelegrams(definition: DeviceDefinition, bytes: Uint8Array): IndexedTelegram[] {
  const { dialect } = definition;
  if (dialect.kind === "telegram") return decodeTelegramBytes(dialect.protocol, bytes, dialect);
  if (dialect.kind === "vedirect") return vedirectBlocks(dialect, bytes);
  throw new FieldwattError(
    "DECODE_INPUT_INVALID",
    `${definition.id} does not talk on a serial port by itself`,
  );
}

/** The same as one piece: of each target the last value, and every problem. Throws DECODE_INPUT_INVALID. */
export const decodeSerialBytes = (definition: DeviceDefinition, bytes: Uint8Array): Decoded =>
  lastOfEach(joined(decodeSerialTelegrams(definition, bytes)));
