import { FieldwattError, messageOf, type Instant, type Sample } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import { joined, NOTHING, type Decoded } from "../driver.ts";
import { decodeCbor, type Cbor } from "../mqtt/cbor.ts";
import { decodeNamed, pointNamed } from "../mqtt/named.ts";
import { resolveSenml, senmlFromCbor, unitFromSenml } from "../mqtt/senml.ts";
import type { NodeDialect } from "./dialect.ts";

/** What a sample's pack says. All of it was measured at one time, the sample's. */
export function decodePack({ records }: NodeDialect, pack: Cbor): Decoded {
  try {
    return joined(
      resolveSenml(senmlFromCbor(pack)).map(({ name, unit, value }) => {
        if (typeof value !== "number" || !pointNamed(records, name)) return NOTHING;
        return decodeNamed(records, {
          name,
          value,
          ...(unit !== undefined && { unit: unitFromSenml(unit) }),
        });
      }),
    );
  } catch (error) {
    return { samples: [], problems: [{ code: "malformed", detail: messageOf(error) }] };
  }
}

/** The same of a recorded pack. Throws DECODE_INPUT_INVALID where the device is no node, or the bytes are no CBOR. */
export function decodePackBytes({ id, dialect }: DeviceDefinition, bytes: Uint8Array): Decoded {
  if (dialect.kind !== "node")
    throw new FieldwattError("DECODE_INPUT_INVALID", `${id} is no node on the field link`);
  try {
    return decodePack(dialect, decodeCbor(bytes));
  } catch (cause) {
    throw new FieldwattError("DECODE_INPUT_INVALID", `the pack is no CBOR: ${messageOf(cause)}`, { cause });
  }
}

/** A value that must not be used stays what it is. */
export const withOrigin = (
  { samples, problems }: Decoded,
  {
    time,
    estimated,
    sequence,
  }: { readonly time: Instant; readonly estimated: boolean; readonly sequence: number },
): Decoded => ({
  problems,
  samples: samples.map((sample): Sample => {
    const doubt = estimated && (sample.quality ?? "ok") === "ok";
    return { ...sample, time, sequence, ...(doubt && { quality: "estimated" }) };
  }),
});
