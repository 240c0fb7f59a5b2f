import type { Clock } from "../../domain/model/index.ts";
import type { FaultDesk } from "../fault-desk.ts";
import type { Coils } from "../modbus/coils.ts";
import type { ModbusUnit } from "../modbus/slave.ts";
import { runSwitchedTasmota, runThermometer, type MqttDeviceOptions } from "../mqtt/devices.ts";
import type { Fields } from "../vedirect.ts";
import type { Village } from "../village/village.ts";
import type { Yard, YardSwitch } from "../village/yard.ts";
import { PUMP_COIL, type YardDevice } from "./plan.ts";
import type { SwitchingBook } from "./switchings.ts";
import { batteryBlocks, fridgeState, loadsView, yardRegisters } from "./views.ts";

/** The yard as its devices reach it: what is there now, and its two switches. */
export interface YardSite {
  now(): Readonly<Yard>;
  switch(what: YardSwitch, on: boolean): void;
  readonly desk: Pick<FaultDesk, "unit" | "shift">;
}

export function openYardSite(
  village: Village,
  { clock, book, desk }: { clock: Clock; book: SwitchingBook | undefined; desk: YardSite["desk"] },
): YardSite {
  return {
    desk,
    now() {
      const { yard } = village.at(clock.now());
      if (!yard) throw new RangeError("This village has no yard");
      return yard;
    },
    switch: (what, on) => book?.add(village.switch({ time: clock.now(), what, on })),
  };
}

export const isOfYard = (device: { readonly id: string } | YardDevice): device is YardDevice =>
  "part" in device;

export const yardUnit = (site: YardSite, { id, part }: YardDevice): ModbusUnit => ({
  registers: () => yardRegisters(site.now(), part, site.desk.shift(id)),
  ...(part === "relay" && { coils: relayOf(site) }),
  faults: site.desk.unit(id),
});

/** A relay with one coil. What it is told again changes nothing, and is nothing new. */
const relayOf = (site: YardSite): Coils => ({
  isOn: (address) => (address === PUMP_COIL ? site.now().on.pump : undefined),
  switch(_address, on) {
    if (on !== site.now().on.pump) site.switch("pump", on);
  },
});

export const batteryTurn =
  (site: YardSite, { id }: YardDevice): (() => readonly Fields[]) =>
  () =>
    batteryBlocks(site.now(), site.desk.shift(id));

/** @throws RangeError for a part that does not speak MQTT */
export function runYardDevice(
  site: YardSite,
  { id, part }: YardDevice,
  options: MqttDeviceOptions,
): Promise<void> {
  const shift = site.desk.shift(id);
  if (part === "fridge") return runThermometer(() => fridgeState(site.now(), shift), options);
  if (part !== "loads") throw new RangeError(`The yard's ${part} does not speak MQTT`);
  const socket = { isOn: () => site.now().on.loads, switch: (on: boolean) => site.switch("loads", on) };
  return runSwitchedTasmota({ view: () => loadsView(site.now(), shift), socket }, options);
}
