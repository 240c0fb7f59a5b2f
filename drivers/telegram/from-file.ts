import { targeted } from "../value.ts";
import type { TelegramDialect } from "./dialect.ts";
import type { TelegramFile } from "./schema.ts";
import type { TelegramProtocol } from "./telegram.ts";

interface Wire {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even";
  readonly pushes: boolean;
}

/** What each protocol's standard says of the wire, where the device file says nothing. */
const WIRES: Readonly<Record<TelegramProtocol, Wire>> = {
  dsmr: { baudRate: 115_200, dataBits: 8, parity: "none", pushes: true },
  sml: { baudRate: 9_600, dataBits: 8, parity: "none", pushes: true },
  "iec62056-21": { baudRate: 300, dataBits: 7, parity: "even", pushes: false },
  mbus: { baudRate: 2_400, dataBits: 8, parity: "even", pushes: false },
  dlt645: { baudRate: 2_400, dataBits: 8, parity: "even", pushes: false },
  sdi12: { baudRate: 1_200, dataBits: 7, parity: "even", pushes: false },
};

/** The dialect from a checked device file. */
export function telegramDialect({ telegram, points }: TelegramFile): TelegramDialect {
  const { protocol, baudRate, dataBits, parity, pushes, unsigned, crc, items } = telegram;
  const wire = WIRES[protocol];
  return {
    kind: "telegram",
    protocol,
    baudRate: baudRate ?? wire.baudRate,
    dataBits: dataBits ?? wire.dataBits,
    parity: parity ?? wire.parity,
    pushes: pushes ?? wire.pushes,
    items,
    points: targeted(points),
    ...(unsigned !== undefined && { unsigned }),
    ...(crc !== undefined && { crc }),
  };
}
