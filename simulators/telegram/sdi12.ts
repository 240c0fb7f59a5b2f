import { crcOfText } from "./checks.ts";

/** A sensor's values, in the order of its manual. */
export interface SensorView {
  readonly address: string;
  readonly values: readonly number[];
}

const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);

/** A line of values, with its CRC in three times six bits (SDI-12 1.4, 4.4.12.2). */
export function dataLine({ address, values }: SensorView, withCrc: boolean): string {
  const line = address + values.map(signed).join("");
  const crc = crcOfText(Buffer.from(line));
  const check = [crc >> 12, (crc >> 6) & 0x3f, crc & 0x3f].map((bits) => String.fromCharCode(0x40 | bits));
  return `${line}${withCrc ? check.join("") : ""}\r\n`;
}

const VALUES_A_LINE = 4;
/** What aI! says (4.4.2): version 1.3, eight characters of vendor, six of model, three of version, a serial number. */
const IDENTIFICATION = "13FIELDWATSIM001100000001";

/** What a sensor answers to a command; undefined where the command is not for it. */
export function sdiAnswer(command: string, view: SensorView, withCrc = true): string | undefined {
  if (command.endsWith("?!")) return `${view.address}\r\n`;
  const [, address, body] = /(.)([A-Z]+\d*)!$/.exec(command) ?? [];
  if (address !== view.address || body === undefined) return undefined;
  if (body === "I") return `${address}${IDENTIFICATION}\r\n`;
  if (/^MC?$/.test(body)) return `${address}000${view.values.length}\r\n`;
  if (/^CC?$/.test(body)) return `${address}000${String(view.values.length).padStart(2, "0")}\r\n`;
  if (!/^D\d$/.test(body)) return undefined;
  const from = VALUES_A_LINE * Number(body[1]);
  return dataLine({ address, values: view.values.slice(from, from + VALUES_A_LINE) }, withCrc);
}
