import { z } from "zod";
import { limited } from "../limits-schema.ts";
import { common, pointsOf, scaling } from "../schema.ts";
import { TELEGRAM_PROTOCOLS } from "./telegram.ts";

/**
 * The form of device files whose meter sends telegrams. Telegrams name their values themselves (OBIS, VIF, data
 * identifications), so there are no points, but for SDI-12, whose values are numbered only.
 */
const point = z.strictObject({ value: z.int().min(1).max(99), ...scaling });

export const telegramFile = z
  .strictObject({
    ...common,
    telegram: z.strictObject({
      protocol: z.enum(TELEGRAM_PROTOCOLS),
      baudRate: z.int().positive().optional(),
      /** Seven data bits always have even parity. */
      dataBits: z.union([z.literal(7), z.literal(8)]).optional(),
      parity: z.enum(["none", "even"]).optional(),
      /** IEC 62056-21: the meter sends by itself (mode D) and is not asked (mode C). */
      pushes: z.boolean().optional(),
      unsigned: z.boolean().optional(),
      crc: z.boolean().optional(),
      items: z
        .array(z.string().regex(/^([0-9a-f]{4}|[0-9a-f]{8})$/, "write four or eight lower-case hex digits"))
        .max(64)
        .default([]),
    }),
    points: pointsOf(point).default({}),
    ...limited,
  })
  .superRefine(({ telegram, points }, context) => {
    const tell = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    const isSdi = telegram.protocol === "sdi12";
    if (isSdi !== Object.keys(points).length > 0)
      tell("points", isSdi ? "say which value is which" : `${telegram.protocol} names its values itself`);
    if ((telegram.protocol === "dlt645") !== telegram.items.length > 0)
      tell("telegram", "items: name what to ask for, with dlt645 and with nothing else");
  });
export type TelegramFile = z.infer<typeof telegramFile>;
