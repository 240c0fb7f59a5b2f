import { crcOfSml } from "./checks.ts";
import type { ElectricityView } from "./view.ts";

/** SML by BSI TR-03109-1, annex IV: a type in the high half of a byte, its length in the low half. */
const ABSENT = Buffer.of(0x01);
const list = (...items: Buffer[]): Buffer => Buffer.concat([Buffer.of(0x70 | items.length), ...items]);
const octets = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(bytes.length + 1), bytes]);
const unsigned = (value: number, width: number): Buffer => {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return Buffer.concat([Buffer.of(0x60 | (width + 1)), bytes]);
};
const signed = (value: number, width: number): Buffer => {
  const bytes = Buffer.alloc(width);
  bytes.writeIntBE(value, 0, width);
  return Buffer.concat([Buffer.of(0x50 | (width + 1)), bytes]);
};

const [WH, W, V] = [30, 27, 35];
const WIDTH = 5;

/** An entry of a list of values; a value is a whole number of 10^`scaler` units. */
function entry(code: readonly number[], unit: number, scaler: number, value: Buffer): Buffer {
  return list(
    octets(Uint8Array.from(code)),
    ABSENT,
    ABSENT,
    unsigned(unit, 1),
    signed(scaler, 1),
    value,
    ABSENT,
  );
}

function message(number: number, tag: number, body: Buffer): Buffer {
  const head = Buffer.concat([
    Buffer.of(0x76),
    octets(Buffer.of(0, 0, number)),
    unsigned(0, 1),
    unsigned(0, 1),
    list(unsigned(tag, 2), body),
  ]);
  return Buffer.concat([head, unsigned(crcOfSml(head), 2), Buffer.of(0)]);
}

const ESCAPE = Buffer.of(0x1b, 0x1b, 0x1b, 0x1b);

/** The transport around a file: escapes, fill bytes and CRC. */
function transport(file: Buffer): Buffer {
  const escaped = Buffer.from(
    file.toString("hex").replace(/((?:..)*?)1b1b1b1b/g, "$11b1b1b1b1b1b1b1b"),
    "hex",
  );
  const fill = (4 - (escaped.length % 4)) % 4;
  const bytes = Buffer.concat([
    ESCAPE,
    Buffer.of(1, 1, 1, 1),
    escaped,
    Buffer.alloc(fill),
    ESCAPE,
    Buffer.of(0x1a, fill),
  ]);
  const check = crcOfSml(bytes);
  return Buffer.concat([bytes, Buffer.of(check & 0xff, check >> 8)]);
}

/** The server id of a meter: 0A 01, three letters of its maker and the number in five bytes (DIN 43863-5). */
export const serverId = (maker: string, serial: string): Buffer => {
  const number = Buffer.alloc(5);
  number.writeUIntBE(Number(serial), 0, 5);
  return Buffer.concat([Buffer.of(0x0a, 0x01), Buffer.from(maker), number]);
};

export interface SmlMeter {
  readonly view: ElectricityView;
  readonly maker?: string;
  /** Writes power as a signed number of so many bytes, in 0.01 W. */
  readonly powerBytes?: number;
  /** Writes the bits of the power as they are, though its sign then reads wrong: the fault of DZG DVS74 meters. */
  readonly wrongSign?: boolean;
}

/** One SML file: open, the list of values, close. */
export function smlTelegram({ view, maker = "FWT", powerBytes = 4, wrongSign = false }: SmlMeter): Buffer {
  const id = serverId(maker, view.serial);
  const bits = 2 ** (8 * powerBytes);
  const hundredths = Math.round(view.power * 100);
  const power = wrongSign && hundredths >= bits / 2 ? hundredths - bits : hundredths;
  const energies = (group: number, values: readonly number[]): Buffer[] =>
    values.map((wh, index) =>
      entry([1, 0, group, 8, index + 1, 255], WH, -1, unsigned(Math.round(wh * 10), WIDTH)),
    );
  const values = list(
    ...energies(1, view.imported),
    ...energies(2, view.exported),
    entry([1, 0, 16, 7, 0, 255], W, -2, signed(power, powerBytes)),
    ...view.voltages.map((volt, index) =>
      entry([1, 0, 32 + 20 * index, 7, 0, 255], V, -1, unsigned(Math.round(volt * 10), 2)),
    ),
  );
  const open = list(ABSENT, ABSENT, octets(Buffer.of(1, 2)), octets(id), ABSENT, ABSENT);
  const response = list(ABSENT, octets(id), ABSENT, ABSENT, values, ABSENT, ABSENT);
  return transport(
    Buffer.concat([message(1, 0x0101, open), message(2, 0x0701, response), message(3, 0x0201, list(ABSENT))]),
  );
}
