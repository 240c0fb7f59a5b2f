import { dlt645 } from "./dlt645.ts";
import { dsmr } from "./dsmr.ts";
import type { TelegramOptions } from "./dialect.ts";
import { iec62056 } from "./iec62056.ts";
import { mbus } from "./mbus.ts";
import { sdi12 } from "./sdi12.ts";
import { sml } from "./sml.ts";
import {
  decodeTelegrams,
  openReader,
  type Codec,
  type IndexedTelegram,
  type TelegramProtocol,
  type TelegramReader,
} from "./telegram.ts";

const CODECS: Readonly<Record<TelegramProtocol, Codec<TelegramOptions>>> = {
  dsmr,
  sml,
  "iec62056-21": iec62056,
  mbus,
  dlt645,
  sdi12,
};

/** Every telegram of a recording, in order; at least one, which says what is wrong where there is none. */
export const decodeTelegramBytes = (
  protocol: TelegramProtocol,
  bytes: Uint8Array,
  options: TelegramOptions = {},
): IndexedTelegram[] => decodeTelegrams(CODECS[protocol], bytes, options);

/** A reader of a live stream of one protocol. It holds one telegram at most, and never throws. */
export const openTelegramReader = (
  protocol: TelegramProtocol,
  options: TelegramOptions = {},
): TelegramReader => openReader(CODECS[protocol], options);
