import { FieldwattError } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import type { Decoded } from "../driver.ts";
import { decodeVedirect } from "./vedirect.ts";

/** Decodes the recorded bytes of a serial talker. Throws DECODE_INPUT_INVALID where the device does not talk by itself. */
export function decodeSerialBytes(definition: DeviceDefinition, bytes: Uint8Array): Decoded {
  if (definition.dialect.kind === "vedirect") return decodeVedirect(definition.dialect, bytes);
  throw new FieldwattError(
    "DECODE_INPUT_INVALID",
    `${definition.id} does not talk on a serial port by itself`,
  );
}
