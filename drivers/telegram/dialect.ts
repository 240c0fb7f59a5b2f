import type { SdiPoint } from "./sdi12.ts";
import type { TelegramProtocol } from "./telegram.ts";

/** What a device file may say about the telegrams of its meter; each codec takes what concerns it. */
export interface TelegramOptions {
  /** SML: the firmware writes short positive powers as if they were negative. */
  readonly unsigned?: boolean;
  /** SDI-12: which value is which. */
  readonly points?: readonly SdiPoint[];
  /** SDI-12: the sensor knows the commands with a CRC, and is asked with them. */
  readonly crc?: boolean;
}

/** A meter that sends telegrams on a serial line: unasked, or as the answer to a request. */
export interface TelegramDialect extends TelegramOptions {
  readonly kind: "telegram";
  readonly protocol: TelegramProtocol;
  readonly baudRate: number;
  /** Seven data bits have even parity, which travels as the eighth bit. */
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even";
  /** The meter sends by itself; otherwise it is asked. */
  readonly pushes: boolean;
  /** DL/T 645: data identifications to ask for. Four hex digits are of edition 1997, eight of 2007. */
  readonly items: readonly string[];
}
