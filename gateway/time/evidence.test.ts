import { expect, it } from "vitest";
import { instant } from "../../domain/model/index.ts";
import { weigh, type Evidence } from "./evidence.ts";
import { chrony } from "./machine.ts";

const NOON = Date.UTC(2026, 5, 15, 12);
const MINUTE = 60_000;
const NONE = { service: false, synchronised: false };
const WAITING = { service: true, synchronised: false };
const synced = (ago: number) => ({ service: true, synchronised: true, lastSync: NOON - ago });
const base: Evidence = {
  uptime: 3_600_000,
  wall: NOON,
  trust: "system",
  ntp: NONE,
  rtcAgrees: false,
  newest: instant(NOON - 60 * MINUTE),
};

it.each<[string, Partial<Evidence>, string | undefined]>([
  ["a laptop without an NTP service", {}, "system"],
  ["a clock behind the newest entry of the record", { newest: instant(NOON + 6 * MINUTE) }, undefined],
  [
    "... also where NTP vouches for it",
    { newest: instant(NOON + 6 * MINUTE), ntp: synced(MINUTE) },
    undefined,
  ],
  ["a device's stamp a little ahead of the clock", { newest: instant(NOON + 4 * MINUTE) }, "system"],
  ["1970", { wall: 5_000 }, undefined],
  ["a Pi whose NTP service has not reached anybody", { ntp: WAITING }, undefined],
  ["a laptop in a field: an RTC with a battery agrees", { ntp: WAITING, rtcAgrees: true }, "system"],
  ["an NTP service that synchronised", { ntp: synced(MINUTE) }, "ntp"],
  ["one that did so four hours ago", { ntp: synced(240 * MINUTE) }, undefined],
  ["the kernel's flag alone", { ntp: { service: true, synchronised: true } }, "ntp"],
  ["a setting that asks for NTP", { trust: "ntp" }, undefined],
  ["... with NTP", { trust: "ntp", ntp: synced(0) }, "ntp"],
  ["... and the hub", { trust: "ntp", hub: { time: NOON - 70_000, uptime: 3_540_000 } }, "hub"],
  [
    "a hub that says another time",
    { trust: "ntp", hub: { time: NOON - 200_000, uptime: 3_540_000 } },
    undefined,
  ],
  ["a hub heard long ago", { trust: "ntp", hub: { time: NOON - 3_600_000, uptime: 0 } }, undefined],
  ["a setting that asks for a person", { trust: "operator", ntp: synced(0) }, undefined],
  ["a jump, synchronised before it", { ntp: synced(MINUTE), steadyUntil: 3_590_000 }, undefined],
  ["a jump that NTP itself made", { ntp: synced(4_000), steadyUntil: 3_590_000 }, "ntp"],
  ["a jump back: the last sync lies ahead", { ntp: synced(-MINUTE), steadyUntil: 3_590_000 }, undefined],
])("%s", (_name, given, source) => {
  const found = weigh({ ...base, ...given });
  expect(found.confirmed?.source).toBe(source);
  if (!source) expect(found.because).toMatch(/\w/);
});

// chronyc 4.3 (Debian 12), `chronyc -c tracking`; fields as chronyc(1) lists them.
it.each([
  [
    "A29FC87B,162.159.200.123,4,1760000000.123456789,0.000042,0.000031,0.000120,-12.345,0.001,0.034,0.012,0.0009,64.5,Normal",
    { service: true, synchronised: true, lastSync: 1_760_000_000_123.4568 },
  ],
  ["7F7F0101,,0,0.000000000,0.0,0.0,0.0,-12.3,0.0,0.0,1.0,1.0,0.0,Not synchronised", WAITING],
  ["", WAITING],
])("reads what chrony says", (line, found) => {
  expect(chrony(line)).toEqual(found);
});
