import { FieldwattError } from "../../domain/model/index.ts";
import type { HeedfulPort } from "../../drivers/serial/port.ts";
import { rtuLine } from "../../drivers/modbus/rtu.ts";

/** A serial line in memory, for tests, with an encoder of its own. */
/** CRC-16/MODBUS bit by bit, as Modbus over Serial Line 1.02, 6.2.2 describes it: not the driver's table. */
function crcBytes(bytes: readonly number[]): number[] {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return [crc & 0xff, crc >> 8];
}
export const framed = (bytes: readonly number[]): number[] => [...bytes, ...crcBytes(bytes)];
export const reply = (unit: number, words: readonly number[], code = 3): number[] =>
  framed([unit, code, words.length * 2, ...words.flatMap((word) => [word >> 8, word & 0xff])]);

export interface Wire {
  readonly port: HeedfulPort;
  /** Bytes from the device, as one chunk. */
  send(bytes: readonly number[]): void;
  end(): void;
}

/** A wire in memory; `device` is called with each request. */
function wireTo(device: (request: Uint8Array, wire: Wire) => void): Wire {
  let onData: (bytes: Uint8Array) => void = () => undefined;
  let onClose: (error: FieldwattError) => void = () => undefined;
  const wire: Wire = {
    send: (bytes) => onData(Uint8Array.from(bytes)),
    end: () => onClose(new FieldwattError("BUS_CLOSED", "pulled")),
    port: {
      write: async (bytes) => void setImmediate(() => device(bytes, wire)),
      onData: (listener) => void (onData = listener),
      onClose: (listener) => void (onClose = listener),
      caughtUp: async () => true,
      [Symbol.asyncDispose]: async () => undefined,
    },
  };
  return wire;
}

export const lineTo = (device: (request: Uint8Array, wire: Wire) => void, timeoutMs = 100) =>
  rtuLine(wireTo(device).port, { baudRate: 115_200, timeoutMs, name: "/dev/ttyUSB0" });
export const read = (unit: number, at: number, count: number) => ({
  unit,
  table: "holding" as const,
  at,
  count,
});
