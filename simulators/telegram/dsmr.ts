import { crcOfText } from "./checks.ts";
import type { ElectricityView } from "./view.ts";

const fixed = (value: number, whole: number, decimals: number): string =>
  value.toFixed(decimals).padStart(whole + 1 + decimals, "0");
const energy = (wh: number): string => `${fixed(wh / 1_000, 6, 3)}*kWh`;
const power = (watt: number): string => `${fixed(Math.max(0, watt) / 1_000, 2, 3)}*kW`;

/** Winter time of the Netherlands, UTC+1. */
function stamp(time: number): string {
  const iso = new Date(time + 3_600_000).toISOString();
  return `${iso.slice(2, 19).replace(/[-:T]/g, "")}W`;
}

/** One telegram of a DSMR 5 meter, with its CRC. */
export function p1Telegram({
  serial,
  time,
  imported,
  exported,
  power: watt,
  voltages,
}: ElectricityView): Buffer {
  const lines = [
    "/FWT5\\253833635_A",
    "",
    "1-3:0.2.8(50)",
    `0-0:1.0.0(${stamp(time)})`,
    `0-0:96.1.1(${Buffer.from(serial).toString("hex").toUpperCase()})`,
    ...imported.map((wh, index) => `1-0:1.8.${index + 1}(${energy(wh)})`),
    ...exported.map((wh, index) => `1-0:2.8.${index + 1}(${energy(wh)})`),
    `1-0:1.7.0(${power(watt)})`,
    `1-0:2.7.0(${power(-watt)})`,
    ...voltages.map((volt, index) => `1-0:${32 + 20 * index}.7.0(${fixed(volt, 3, 1)}*V)`),
    "!",
  ];
  const body = Buffer.from(lines.join("\r\n"), "latin1");
  const check = crcOfText(body).toString(16).toUpperCase().padStart(4, "0");
  return Buffer.concat([body, Buffer.from(`${check}\r\n`)]);
}
