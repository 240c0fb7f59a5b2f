import type { Clock } from "../../domain/model/index.ts";
import { scalingOf } from "../device/scaling.ts";
import { data, number, type Sheet } from "../device/sheet.ts";
import { dlt645Answer, type Edition } from "./dlt645.ts";
import { p1Telegram } from "./dsmr.ts";
import { answerOf, pushed, withParity } from "./iec62056.ts";
import { mbusAnswer } from "./mbus.ts";
import { sdiAnswer } from "./sdi12.ts";
import { smlTelegram } from "./sml.ts";
import type { ElectricityView } from "./view.ts";

/** How a serial device talks: by itself, or when it is asked. */
export interface Speech {
  tell?(): Uint8Array;
  /** @param request what has come since the last answer */
  answer?(request: Uint8Array): Uint8Array | undefined;
}

export type Values = (target: string) => number | undefined;

/** Under these a fake is asked: the number of a DL/T 645 meter, the primary address on M-Bus, the one on SDI-12. */
const SERIAL = "26000001";
const MBUS_ADDRESS = 1;
const SDI_ADDRESS = "0";

/** The speech of a device file with `telegram:`; undefined where no fake speaks its protocol. */
export function speechOf(sheet: Sheet, values: Values, clock: Clock): Speech | undefined {
  const view = (): ElectricityView => electricity(values, clock);
  const { protocol, pushes, unsigned, dataBits, items } = data(sheet.data.telegram);
  switch (protocol) {
    case "dsmr":
      return { tell: () => (dataBits === 7 ? withParity(p1Telegram(view())) : p1Telegram(view())) };
    case "sml":
      return { tell: () => (unsigned === true ? dzgTelegram(view()) : smlTelegram({ view: view() })) };
    case "iec62056-21":
      return pushes === true
        ? { tell: () => withParity(pushed(view())) }
        : { answer: (request) => sevenBits(answerOf(latin1(request), view())) };
    case "dlt645":
      return { answer: (request) => dlt645Answer(request, view(), editionOf(items)) };
    case "mbus":
      return { answer: (request) => mbusAnswer(request, water(values), MBUS_ADDRESS) };
    case "sdi12":
      return { answer: (request) => sevenBits(sdiAnswer(latin1(request), sensor(sheet, values))) };
    default:
      return undefined;
  }
}

/** An identification of edition 1997 has four hex digits, one of 2007 eight. */
const editionOf = (items: unknown): Edition =>
  Array.isArray(items) && String(items[0]).length === 4 ? "1997" : "2007";

/** DZG's firmware: a positive power in three bytes, whose sign is wrong from 83886.08 W on; a negative one in four. */
const dzgTelegram = (view: ElectricityView): Buffer =>
  smlTelegram({ view, powerBytes: view.power < 0 ? 4 : 3, wrongSign: true });

/** Characters of seven bits: the eighth is the parity, which a pseudo-terminal does not take off. */
const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.map((byte) => byte & 0x7f)).toString("latin1");
const sevenBits = (answer: Uint8Array | string | undefined): Buffer | undefined =>
  answer === undefined ? undefined : withParity(Buffer.from(answer));

const water = (values: Values) => ({ serial: SERIAL, volume: values("waterVolume") ?? 0 });

function electricity(values: Values, clock: Clock): ElectricityView {
  const of = (target: string): number => values(target) ?? 0;
  const halves = (target: string): [number, number] => [of(target) * 0.6, of(target) * 0.4];
  return {
    serial: SERIAL,
    time: clock.now(),
    imported: halves("activeEnergyImport"),
    exported: halves("activeEnergyExport"),
    power: of("activePower"),
    voltages: [of("voltage.L1"), of("voltage.L2"), of("voltage.L3")],
  };
}

/** Values in the order of the file; those that the file does not read are 0. */
function sensor(sheet: Sheet, values: Values) {
  const points = Object.entries(data(sheet.data.points)).map(([target, point]) => {
    const { value: place } = data(point);
    const measured = scalingOf(target, data(point))?.toDevice(values(target) ?? 0) ?? 0;
    return { place: number(place), measured: Number(measured.toFixed(3)) };
  });
  const count = Math.max(0, ...points.map(({ place }) => place));
  const told = Array.from(
    { length: count },
    (_, index) => points.find(({ place }) => place === index + 1)?.measured ?? 0,
  );
  return { address: SDI_ADDRESS, values: told };
}
