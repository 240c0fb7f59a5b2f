import { FieldwattError } from "../../domain/model/index.ts";
import type { TelegramDialect } from "./dialect.ts";
import { askDlt645 } from "./dlt645-ask.ts";
import { askIec62056 } from "./iec62056-ask.ts";
import { askMbus } from "./mbus-ask.ts";
import { askSdi12 } from "./sdi12-ask.ts";
import type { Talk } from "./talk.ts";
import type { DecodedTelegram, TelegramProtocol } from "./telegram.ts";

/** Asks one meter for everything it tells. Throws DEVICE_TIMEOUT, DEVICE_GARBLED, DEVICE_REFUSED, BUS_CLOSED. */
export type Ask = (talk: Talk, dialect: TelegramDialect, address?: string) => Promise<DecodedTelegram[]>;

const ASKS: Partial<Record<TelegramProtocol, Ask>> = {
  "iec62056-21": askIec62056,
  mbus: askMbus,
  dlt645: askDlt645,
  sdi12: askSdi12,
};

/** The questions of a protocol. Throws DEVICE_UNKNOWN where its meters are not asked. */
export function askOf(dialect: TelegramDialect): Ask {
  const ask = dialect.pushes ? undefined : ASKS[dialect.protocol];
  if (!ask) throw new FieldwattError("DEVICE_UNKNOWN", `a ${dialect.protocol} meter speaks by itself`);
  return ask;
}
