import {
  deviceId,
  instant,
  streamId,
  type Quality,
  type Quantity,
  type Reading,
} from "../../domain/model/index.ts";

/** A reading of `meter-1`, at so many ms since 1970. */
export const readingOf = (
  time: number,
  quantity: Quantity,
  { value = 230, quality = "ok" }: { readonly value?: number; readonly quality?: Quality } = {},
): Reading => ({ stream: streamId(deviceId("meter-1"), quantity), time: instant(time), value, quality });
