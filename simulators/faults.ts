import { FieldwattError, isQuantity, type Quantity } from "../domain/model/index.ts";
import { flipped, openUnitFaults, type FaultRule, type UnitFaults } from "./modbus/wire-faults.ts";
import { random } from "./village/random.ts";

/** What can be wrong with one simulated device, as an option says it. */
export type Fault =
  | { readonly kind: "dead"; readonly device: string }
  | { readonly kind: "slow"; readonly device: string; readonly ms: number }
  | { readonly kind: "noisy"; readonly device: string }
  /** A value is off by so much, in the unit of its quantity: a fridge's door left open, a frosty night. */
  | { readonly kind: "shift"; readonly device: string; readonly quantity: Quantity; readonly amount: number };

/** By how much a quantity of one device is off now; 0 where it is not. */
export type Shift = (quantity: Quantity) => number;
export const NO_SHIFT: Shift = () => 0;

/** What faults make of a device that speaks by itself; without any it does so at once and cleanly. */
export interface Disturbance {
  readonly dead: boolean;
  /** Added to every message, ms of real time. */
  readonly delayMs: number;
  /**
   * A seeded damage as that wire does it, often none. Damage can always be seen: a serial line flips, loses and makes
   * up bytes under a check sum; of a message only half is left.
   */
  garble(frame: Uint8Array, wire: Wire): Uint8Array;
}
export type Wire = "serial" | "message";

const DELAY_MS_MAX = 600_000;
const AMOUNT = /^[+-]?\d{1,6}(\.\d{1,6})?$/;
/** One frame in three. */
const NOISE = 1 / 3;
const STRAY_BYTES = 3;

/**
 * Reads `dead:DEVICE`, `slow:DEVICE:MS`, `noisy:DEVICE` or `shift:DEVICE:QUANTITY:AMOUNT`.
 * @throws FieldwattError OPTION_INVALID
 */
export function faultFromText(text: string): Fault {
  const [kind, device, ms, ...rest] = text.split(":");
  if (device && kind === "shift" && ms !== undefined && isQuantity(ms) && AMOUNT.test(rest.join(":")))
    return { kind, device, quantity: ms, amount: Number(rest[0]) };
  if (device && rest.length === 0) {
    if ((kind === "dead" || kind === "noisy") && ms === undefined) return { kind, device };
    if (kind === "slow" && ms !== undefined && /^\d{1,6}$/.test(ms) && Number(ms) <= DELAY_MS_MAX) {
      return { kind, device, ms: Number(ms) };
    }
  }
  throw new FieldwattError(
    "OPTION_INVALID",
    `"${text}" is no fault; write dead:DEVICE, noisy:DEVICE, slow:DEVICE:MS (at most ${DELAY_MS_MAX} ms) or ` +
      `shift:DEVICE:QUANTITY:AMOUNT, for example shift:yard-fridge:airTemperature:6`,
  );
}

/** The disturbance that all faults of one device make together, or undefined where it is healthy. */
export function disturbanceOf(
  device: string,
  faults: readonly Fault[],
  seed: number,
): Disturbance | undefined {
  const own = faults.filter((fault) => fault.device === device);
  if (own.length === 0) return undefined;
  const noisy = own.some((fault) => fault.kind === "noisy");
  const dice = random(seed, `noise/${device}`);
  return {
    dead: own.some((fault) => fault.kind === "dead"),
    delayMs: own.reduce((sum, fault) => sum + (fault.kind === "slow" ? fault.ms : 0), 0),
    garble: (frame, wire) => (noisy && dice.uniform() < NOISE ? damage(frame, wire, dice.uniform) : frame),
  };
}

/** How far all faults together shift what a device measures. */
export const shiftOf =
  (device: string, faults: readonly Fault[]): Shift =>
  (quantity) =>
    faults.reduce(
      (sum, fault) =>
        fault.kind === "shift" && fault.device === device && fault.quantity === quantity
          ? sum + fault.amount
          : sum,
      0,
    );

/** The same faults on a Modbus wire, where a unit answers to requests. */
export function unitFaultsOf(device: string, faults: readonly Fault[], seed: number): UnitFaults | undefined {
  const rules = faults.filter((fault) => fault.device === device).flatMap(rulesOf);
  return rules.length > 0 ? openUnitFaults(rules, seed, device) : undefined;
}

function rulesOf(fault: Fault): readonly FaultRule[] {
  // What is shifted is the value, before it is on any wire.
  if (fault.kind === "shift") return [];
  if (fault.kind !== "noisy") return [fault];
  return [
    { kind: "flipped", chance: NOISE / 2 },
    { kind: "truncated", chance: NOISE / 2 },
  ];
}

function damage(frame: Uint8Array, wire: Wire, uniform: () => number): Uint8Array {
  switch (wire) {
    case "message":
      return frame.subarray(0, Math.floor(frame.length / 2));
    case "serial": {
      const kind = uniform();
      if (kind < 0.5) return flipped(frame, frame.length, uniform);
      if (kind < 0.75) return frame.subarray(0, Math.floor(frame.length * uniform()));
      return Uint8Array.from([
        ...Array.from({ length: STRAY_BYTES }, () => Math.floor(uniform() * 256)),
        ...frame,
      ]);
    }
  }
}
