import type { ElectricityView } from "./view.ts";

const kwh = (wh: number): string => `${(wh / 1_000).toFixed(3).padStart(10, "0")}*kWh`;

/** Even parity in the eighth bit: seven-bit characters on an eight-bit line. */
export const withParity = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.map((byte) => (byte.toString(2).replaceAll("0", "").length % 2 ? byte | 0x80 : byte)));

export const SIGN_ON = Buffer.from("/FWT51FIELDWATT\r\n");

function lines({ serial, imported, exported, power, voltages }: ElectricityView): string {
  return [
    `0.0.0(${serial})`,
    `1.8.0(${kwh(imported[0] + imported[1])})`,
    ...imported.map((wh, index) => `1.8.${index + 1}(${kwh(wh)})`),
    `2.8.0(${kwh(exported[0] + exported[1])})`,
    `16.7.0(${(power / 1_000).toFixed(3)}*kW)`,
    ...voltages.map((volt, index) => `${32 + 20 * index}.7.0(${volt.toFixed(1)}*V)`),
    "!\r\n",
  ].join("\r\n");
}

/** The readout of mode C: STX, the data, ETX and the XOR of everything after STX (IEC 62056-21, 5.4). */
export function readout(view: ElectricityView): Buffer {
  const body = Buffer.from(`${lines(view)}\u0003`, "latin1");
  const bcc = body.reduce((xor, byte) => xor ^ byte, 0);
  return Buffer.concat([Buffer.of(0x02), body, Buffer.of(bcc)]);
}

/** A mode D telegram, which the meter sends by itself. */
export const pushed = (view: ElectricityView): Buffer =>
  Buffer.concat([SIGN_ON, Buffer.from(`\r\n${lines(view)}`, "latin1")]);

/** What the meter answers to a message of the reader, and at which baud rate; undefined where it keeps still. */
export function answerOf(message: string, view: ElectricityView): Buffer | undefined {
  if (/\/\?\d*!\r\n$/.test(message)) return SIGN_ON;
  return message.endsWith("\u0006050\r\n") ? readout(view) : undefined;
}
