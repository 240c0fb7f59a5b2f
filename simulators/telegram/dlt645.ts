import { decimals, sum } from "./checks.ts";
import type { ElectricityView } from "./view.ts";

const REFUSED = 0x02;

function frame(address: string, control: number, data: Uint8Array): Buffer {
  const body = Buffer.concat([
    Buffer.of(0x68),
    decimals(address, 6),
    Buffer.of(0x68, control, data.length),
    data.map((byte) => (byte + 0x33) & 0xff),
  ]);
  return Buffer.concat([Buffer.of(0xfe, 0xfe), body, Buffer.of(sum(body), 0x16)]);
}

/** XX.XXXX kW in three bytes; the highest bit is the sign (DL/T 645-2007, table A.3). */
function power(watt: number): Buffer {
  const bytes = decimals(Math.round(Math.abs(watt) * 10), 3);
  bytes[2] = (bytes[2] ?? 0) | (watt < 0 ? 0x80 : 0);
  return bytes;
}

function valueOf(
  item: string,
  { imported, exported, power: watt, voltages }: ElectricityView,
): Buffer | undefined {
  const energy = (wh: number): Buffer => decimals(Math.floor(wh / 10), 4);
  switch (item) {
    case "00010000":
      return energy(imported[0] + imported[1]);
    case "00020000":
      return energy(exported[0] + exported[1]);
    case "0201ff00":
      return Buffer.concat(voltages.map((volt) => decimals(Math.round(volt * 10), 2)));
    case "02030000":
      return power(watt);
    default:
      return undefined;
  }
}

/** Edition 1997, table A: identifications of two bytes, voltage XXX V, active power XX.XXXX kW without a sign. */
function valueOf1997(
  item: string,
  { imported, exported, power: watt, voltages }: ElectricityView,
): Buffer | undefined {
  const energy = (wh: number): Buffer => decimals(Math.floor(wh / 10), 4);
  const phase = ["b611", "b612", "b613"].indexOf(item);
  if (phase >= 0) return decimals(Math.round(voltages[phase] ?? 0), 2);
  if (item === "9010") return energy(imported[0] + imported[1]);
  if (item === "9020") return energy(exported[0] + exported[1]);
  return item === "b630" ? decimals(Math.round(Math.abs(watt) * 10), 3) : undefined;
}

/** The function code of "read data", the bytes of an identification, and what a meter of the edition knows. */
const EDITIONS = {
  "1997": { read: 0x01, bytes: 2, valueOf: valueOf1997 },
  "2007": { read: 0x11, bytes: 4, valueOf },
} as const;
export type Edition = keyof typeof EDITIONS;

/** Both editions fill addresses with AA: all of it is any meter. */
const ANYBODY = "aaaaaaaaaaaa";

/** The reply to a request for one data identification; an error reply where it is not known. */
export function dlt645Reply(item: string, view: ElectricityView, edition: Edition = "2007"): Buffer {
  const { read, bytes, valueOf: value } = EDITIONS[edition];
  const known = value(item, view);
  if (!known) return frame(view.serial, read | 0xc0, Buffer.of(REFUSED));
  return frame(view.serial, read | 0x80, Buffer.concat([decimals(item, bytes), known]));
}

/** What a meter answers to a frame of the master; undefined where the frame is not for it, or of the other edition. */
export function dlt645Answer(
  request: Uint8Array,
  view: ElectricityView,
  edition: Edition = "2007",
): Buffer | undefined {
  const { read, bytes: count } = EDITIONS[edition];
  const from = request.indexOf(0x68);
  const bytes = Buffer.from(request.subarray(from));
  // Start, address, start, control, length, identification, check, end.
  if (from < 0 || bytes.length < 12 + count || bytes[8] !== read || bytes[9] !== count) return undefined;
  const address = Buffer.from(bytes.subarray(1, 7).toReversed()).toString("hex");
  if (address !== ANYBODY && Number(address) !== Number(view.serial)) return undefined;
  const item = bytes.subarray(10, 10 + count).map((byte) => (byte - 0x33) & 0xff);
  return dlt645Reply(Buffer.from(item.toReversed()).toString("hex"), view, edition);
}
