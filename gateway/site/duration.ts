import { z } from "zod";

/** "15 s", "1 min", "250 ms" as milliseconds. */
export const duration = z
  .string()
  .regex(/^\d+ (ms|s|min|h)$/, 'write a number, a space and ms, s, min or h, for example "15 s"')
  .transform((text) => {
    const [count, unit] = text.split(" ");
    const factor = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 }[unit as "ms" | "s" | "min" | "h"];
    return Number(count) * factor;
  });
