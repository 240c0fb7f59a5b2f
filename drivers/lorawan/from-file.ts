import { targeted } from "../value.ts";
import type { LorawanDialect } from "./dialect.ts";
import type { LorawanFile } from "./schema.ts";

/** The dialect from a checked device file. */
export function lorawanDialect({ lorawan }: LorawanFile): LorawanDialect {
  const { points, also, ...settings } = lorawan;
  const all = [points, ...also].flatMap(targeted).map(({ mask, valid, when, quality, ...point }) => ({
    ...point,
    ...(mask !== undefined && { mask }),
    ...(valid && { valid }),
    ...(when && { when }),
    ...(quality && { quality }),
  }));
  return { kind: "lorawan", ...settings, points: all };
}
