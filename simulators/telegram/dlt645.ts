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

/** The reply of edition 2007 to a request for one data identification; an error reply where it is not known. */
export function dlt645Reply(item: string, view: ElectricityView): Buffer {
  const value = valueOf(item, view);
  if (!value) return frame(view.serial, 0xd1, Buffer.of(REFUSED));
  return frame(view.serial, 0x91, Buffer.concat([decimals(item, 4), value]));
}

/** What a meter answers to a frame of the master; undefined where the frame is not for it. */
export function dlt645Answer(request: Uint8Array, view: ElectricityView): Buffer | undefined {
  const from = request.indexOf(0x68);
  const bytes = Buffer.from(request.subarray(from));
  if (from < 0 || bytes.length < 16 || bytes[8] !== 0x11) return undefined;
  const address = Buffer.from(bytes.subarray(1, 7).toReversed()).toString("hex");
  if (address !== "aaaaaaaaaaaa" && Number(address) !== Number(view.serial)) return undefined;
  const item = bytes.subarray(10, 14).map((byte) => (byte - 0x33) & 0xff);
  return dlt645Reply(Buffer.from(item.toReversed()).toString("hex"), view);
}
