import { disturbanceOf, shiftOf, unitFaultsOf, type Disturbance, type Fault, type Shift } from "./faults.ts";
import { HEALTHY } from "./modbus/slave.ts";
import type { UnitFaults } from "./modbus/wire-faults.ts";

/** The faults of a village while it runs: those that it began with, and those that a tester adds for a while. */
export interface FaultDesk extends AsyncDisposable {
  /** From now on for `ms` of real time. */
  add(fault: Fault, ms: number): void;
  /** What is wrong with a device that speaks by itself, at the moment of each look. */
  disturbance(device: string): Disturbance;
  /** The same on a Modbus wire. */
  unit(device: string): UnitFaults;
  /** How far off its values are, at the moment of each look. */
  shift(device: string): Shift;
}

export function openFaultDesk(first: readonly Fault[], seed: number): FaultDesk {
  const faults = [...first];
  const timers = new Set<NodeJS.Timeout>();
  let changes = 0;
  /** Made anew when faults changed: dice go on as long as nothing does. */
  const kept = <Made>(make: () => Made): (() => Made) => {
    let [made, at] = [make(), changes];
    return () => {
      if (at !== changes) [made, at] = [make(), changes];
      return made;
    };
  };
  return {
    add(fault, ms) {
      faults.push(fault);
      changes += 1;
      const timer = setTimeout(() => {
        timers.delete(timer);
        faults.splice(faults.indexOf(fault), 1);
        changes += 1;
      }, ms);
      timers.add(timer);
    },
    disturbance(device) {
      const now = kept(() => disturbanceOf(device, faults, seed));
      return {
        get dead() {
          return now()?.dead ?? false;
        },
        get delayMs() {
          return now()?.delayMs ?? 0;
        },
        garble: (frame, wire) => now()?.garble(frame, wire) ?? frame,
      };
    },
    unit(device) {
      const now = kept(() => unitFaultsOf(device, faults, seed));
      return { next: () => now()?.next() ?? HEALTHY };
    },
    shift: (device) => shiftOf(device, faults),
    [Symbol.asyncDispose]() {
      timers.forEach((timer) => clearTimeout(timer));
      return Promise.resolve();
    },
  };
}
