import type { LorawanDialect } from "../definition.ts";
import { noFields, type Fields } from "./field.ts";

/** A fixed layout, most significant byte first (Dragino): the payload is one field. */
export function plainFields({ lengths }: LorawanDialect, bytes: Uint8Array): Fields {
  if (lengths.length > 0 && !lengths.includes(bytes.length)) {
    return noFields("truncated", `the payload has ${bytes.length} bytes, not ${lengths.join(" or ")}`);
  }
  return { fields: [{ name: "", bytes, littleEndian: false }], problems: [] };
}
