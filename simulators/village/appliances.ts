import type { Random } from "./random.ts";

/** What draws power in a house: standby, a fridge that cycles, a morning and an evening peak, now and then a kettle. */
export interface Appliances {
  readonly standby: number;
  readonly fridge: number;
  readonly morning: Peak;
  readonly evening: Peak;
  readonly kettle: number;
  /** Kettles in a busy hour. */
  readonly kettlesAnHour: number;
  fridgeOn: boolean;
  fridgeMinutes: number;
  kettleMinutes: number;
  /** This day's liveliness, drawn at local midnight, and the flicker of lamps and sets. */
  liveliness: number;
  flicker: number;
}

interface Peak {
  readonly watts: number;
  /** Local minute of its middle, and its deviation in minutes. */
  readonly middle: number;
  readonly width: number;
}

export function newAppliances(dice: Random): Appliances {
  return {
    standby: Math.round(dice.between(12, 60)),
    fridge: dice.uniform() < 0.7 ? Math.round(dice.between(75, 130)) : 0,
    morning: { watts: dice.between(80, 300), middle: dice.between(345, 420), width: dice.between(30, 55) },
    evening: {
      watts: dice.between(180, 620),
      middle: dice.between(1_130, 1_230),
      width: dice.between(65, 110),
    },
    kettle: Math.round(dice.between(1_100, 1_900)),
    kettlesAnHour: dice.between(0.15, 0.7),
    fridgeOn: dice.uniform() < 0.4,
    fridgeMinutes: Math.floor(dice.between(1, 25)),
    kettleMinutes: 0,
    liveliness: 1,
    flicker: 0,
  };
}

/** Whole watts for the next minute. */
export function stepAppliances(
  own: Appliances,
  minute: number,
  airTemperature: number,
  dice: Random,
): number {
  if (minute === 0) own.liveliness = dice.between(0.75, 1.3);
  own.flicker = own.flicker * 0.9 + dice.normal() * 0.06;
  const peaks =
    peak(own.morning, minute) + peak(own.evening, minute) + (minute > 420 && minute < 1_080 ? 40 : 0);
  const lively = Math.max(0, peaks * own.liveliness * (1 + own.flicker));
  return Math.round(own.standby + lively + fridge(own, airTemperature, dice) + kettle(own, minute, dice));
}

/** A bell without its far tails; the evening one runs past midnight. */
function peak({ watts, middle, width }: Peak, minute: number): number {
  const distance = Math.min(Math.abs(minute - middle), 1_440 - Math.abs(minute - middle)) / width;
  return distance > 3 ? 0 : watts * Math.exp(-0.5 * distance * distance);
}

function fridge(own: Appliances, airTemperature: number, dice: Random): number {
  if (own.fridge === 0) return 0;
  own.fridgeMinutes--;
  if (own.fridgeMinutes <= 0) {
    own.fridgeOn = !own.fridgeOn;
    const warm = Math.max(0, airTemperature - 15);
    own.fridgeMinutes = Math.floor(
      own.fridgeOn ? 10 + warm * 0.5 + dice.between(0, 6) : dice.between(18, 34),
    );
  }
  return own.fridgeOn ? own.fridge : 0;
}

function kettle(own: Appliances, minute: number, dice: Random): number {
  const busy = (minute > 330 && minute < 480) || (minute > 1_050 && minute < 1_290);
  const rate = busy ? own.kettlesAnHour : minute > 480 && minute < 1_050 ? own.kettlesAnHour / 5 : 0;
  if (own.kettleMinutes > 0) own.kettleMinutes--;
  else if (dice.uniform() < rate / 60) own.kettleMinutes = Math.floor(dice.between(3, 6));
  return own.kettleMinutes > 0 ? own.kettle : 0;
}
