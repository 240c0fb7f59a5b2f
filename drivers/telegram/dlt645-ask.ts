import { FieldwattError, hasCode } from "../../domain/model/index.ts";
import { openTelegramReader } from "./codecs.ts";
import type { TelegramDialect } from "./dialect.ts";
import { ANYBODY, dlt645Request } from "./dlt645-frame.ts";
import type { Talk } from "./talk.ts";
import type { DecodedTelegram } from "./telegram.ts";

/**
 * DL/T 645 as a master: one request for each item of the device file. A reply must be of the item and of the meter
 * that were asked; an item that the meter refuses is a problem and does not stop the others.
 */
/** DL/T 645-2007, 5.4: a meter answers within 500 ms; a block takes 1 s at 1,200 baud. */
const REPLY = { what: "a reply", limitMs: 3_000, silenceMs: 1_000 };

export async function askDlt645(
  talk: Talk,
  dialect: TelegramDialect,
  address?: string,
): Promise<DecodedTelegram[]> {
  const digits = address ?? ANYBODY;
  if (!/^(\d{1,12}|a{12})$/.test(digits))
    throw new FieldwattError("DEVICE_UNKNOWN", `${digits} is no address of twelve digits`);
  const telegrams: DecodedTelegram[] = [];
  for (const item of dialect.items) {
    try {
      telegrams.push(await ask(talk, dialect, { item, digits }));
    } catch (error) {
      // A meter that keeps still at its first item is not there; later ones it may just not know.
      if (!hasCode(error, "DEVICE_TIMEOUT") || telegrams.length === 0) throw error;
      const problem = { code: "unexpectedReply", detail: `the meter does not answer ${item}` } as const;
      telegrams.push({ samples: [], problems: [problem], about: {}, records: [] });
    }
  }
  return telegrams;
}

async function ask(
  talk: Talk,
  dialect: TelegramDialect,
  { item, digits }: { item: string; digits: string },
): Promise<DecodedTelegram> {
  await talk.write(dlt645Request(item.length === 4 ? "1997" : "2007", digits, item));
  const reader = openTelegramReader("dlt645", dialect);
  return talk.hear((bytes) => {
    for (const telegram of reader.push(bytes)) {
      const { id, item: answered } = telegram.about;
      const isOurs = digits === ANYBODY || id === digits.padStart(12, "0");
      // The late reply to another request has another item, and is passed over.
      if (isOurs && (answered === item || (answered === undefined && telegram.problems.length > 0)))
        return telegram;
    }
    return undefined;
  }, REPLY);
}
