/**
 * Payloads of LoRaWAN devices, written as the makers describe them (the sources stand in the device files), for a fake
 * that needs no radio. What is not measured is sent as the device's own sign for "no value".
 */
export type Measured = (target: string) => number | undefined;

export interface LorawanPayload {
  readonly port: number;
  readonly bytes: Uint8Array;
}

type Encoder = (measured: Measured) => LorawanPayload;

/** The payload of a device by the id of its device file; undefined where there is no fake of it. */
export const lorawanPayload = (device: string, measured: Measured): LorawanPayload | undefined =>
  ENCODERS[device]?.(measured);

export const LORAWAN_FAKES = (): readonly string[] => Object.keys(ENCODERS);

/** A number of `bytes` bytes, most significant first, in two's complement. */
function big(value: number, bytes: number): number[] {
  const pattern = BigInt.asUintN(8 * bytes, BigInt(Math.round(value)));
  return Array.from({ length: bytes }, (_, i) => Number((pattern >> BigInt(8 * (bytes - 1 - i))) & 0xffn));
}
const little = (value: number, bytes: number): number[] => big(value, bytes).reverse();

const or = (value: number | undefined, scale: number, absent: number): number =>
  value === undefined ? absent : value * scale;

const dragino =
  (words: (measured: Measured) => readonly number[]): Encoder =>
  (measured) => ({
    port: 2,
    bytes: Uint8Array.from([
      ...big(or(measured("voltage.battery"), 1_000, 3_300), 2),
      ...big(or(measured("deviceTemperature.ds18b20"), 10, 0x0ccc), 2),
      ...words(measured).flatMap((word) => big(word, 2)),
      0x10,
    ]),
  });

const draginoSoil = dragino((measured) => [
  or(measured("soilMoisture"), 10_000, 0xffff),
  or(measured("soilTemperature"), 100, 0x7fff),
  or(measured("soilConductivity"), 1, 0xffff),
]);

/** An entry of channel, type and data; nothing where nothing is measured. */
const entry = (head: readonly number[], value: number | undefined, scale: number, bytes: number): number[] =>
  value === undefined ? [] : [...head, ...little(value * scale, bytes)];

const milesight =
  (entries: (measured: Measured) => readonly (readonly number[])[]): Encoder =>
  (measured) => ({
    port: 85,
    bytes: Uint8Array.from([
      ...entry([0x01, 0x75], measured("stateOfCharge.battery") ?? 96, 1, 1),
      ...entries(measured).flat(),
    ]),
  });

/** CRC-16/KERMIT by its table-free definition: polynomial 0x1021, both ways reflected, begun at 0. */
function kermit(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    let low = byte ^ (crc & 0xff);
    low ^= (low << 4) & 0xff;
    crc = ((low << 8) | (crc >> 8)) ^ (low >> 4) ^ (low << 3);
    crc &= 0xffff;
  }
  return crc;
}

/** SenseCAP's numbers of what is measured, and how many of its unit one stored unit is. */
const SENSECAP: readonly (readonly [target: string, number: number, factor: number])[] = [
  ["airTemperature", 4097, 1],
  ["relativeHumidity", 4098, 1],
  ["soilTemperature", 4102, 1],
  ["soilMoisture", 4103, 100],
  ["soilConductivity", 4108, 0.001],
];

const sensecap: Encoder = (measured) => {
  const frames = SENSECAP.flatMap(([target, number, factor]) => {
    const value = measured(target);
    return value === undefined ? [] : [1, ...little(number, 2), ...little(value * factor * 1_000, 4)];
  });
  return { port: 2, bytes: Uint8Array.from([...frames, ...little(kermit(frames), 2)]) };
};

/** Decentlab: words with an offset, 0 where nothing is measured. */
const decentlab = (groups: readonly (readonly number[])[]): LorawanPayload => ({
  port: 1,
  bytes: Uint8Array.from([
    2,
    ...big(7_001, 2),
    ...big(2 ** groups.length - 1, 2),
    ...groups.flat().flatMap((word) => big(word, 2)),
  ]),
});
const offset = (value: number | undefined, scale: number, zero = 32_768): number =>
  value === undefined ? 0 : value * scale + zero;

const atm41: Encoder = (measured) =>
  decentlab([
    [
      offset(measured("solarIrradiance"), 1),
      offset(measured("rainfall"), 1_000),
      32_768,
      32_768,
      offset(measured("windSpeed"), 100),
      offset(measured("windDirection"), 10),
      offset(measured("windSpeed.gust"), 100),
      offset(measured("airTemperature"), 10),
      offset(measured("vapourPressure"), 100),
      offset(measured("atmosphericPressure"), 100),
      offset(measured("relativeHumidity"), 10),
      offset(measured("deviceTemperature"), 10),
      ...Array.from({ length: 5 }, () => 32_768),
    ],
    [or(measured("voltage.battery"), 1_000, 3_061)],
  ]);

const smtp: Encoder = (measured) =>
  decentlab([
    Array.from({ length: 8 }, (_, depth) => [
      offset(measured(`soilMoisture.${depth}`), 50_000, 2_500),
      offset(measured(`soilTemperature.${depth}`), 100),
    ]).flat(),
    [or(measured("voltage.battery"), 1_000, 2_875)],
  ]);

const ENCODERS: Readonly<Record<string, Encoder>> = {
  "dragino-lse01": draginoSoil,
  "dragino-se01-lb": draginoSoil,
  "dragino-lsnpk01": dragino((measured) => [
    or(measured("soilNitrogen"), 1, 0xffff),
    or(measured("soilPhosphorus"), 1, 0xffff),
    or(measured("soilPotassium"), 1, 0xffff),
  ]),
  "milesight-em500-smtc": milesight((measured) => [
    entry([0x03, 0x67], measured("soilTemperature"), 10, 2),
    entry([0x04, 0xca], measured("soilMoisture"), 10_000, 2),
    entry([0x05, 0x7f], measured("soilConductivity"), 1, 2),
  ]),
  "milesight-em300-th": milesight((measured) => [
    entry([0x03, 0x67], measured("airTemperature"), 10, 2),
    entry([0x04, 0x68], measured("relativeHumidity"), 2, 1),
  ]),
  "milesight-ct101": milesight((measured) => [
    entry([0x03, 0x97], measured("electricCharge"), 100, 4),
    entry([0x04, 0x98], measured("current"), 100, 2),
    entry([0x09, 0x67], measured("deviceTemperature"), 10, 2),
  ]),
  "sensecap-s210x": sensecap,
  "decentlab-dl-atm41": atm41,
  "decentlab-dl-smtp": smtp,
};
