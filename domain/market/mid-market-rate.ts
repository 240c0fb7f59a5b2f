import { apportion, naturalBig, wholeBig, wholeNumber, type Whole } from "./apportion.ts";

/**
 * Clearing of one quarter hour at the mid-market rate (Long et al. 2017; Bogensperger et al., IEWT 2021, eq. 3-5).
 *
 * Who exports sells to who imports, at the middle between what the grid charges and what it pays; only the village's
 * remainder meets the grid. Buyers share one pot, sellers the other. The village's own price stands in both pots as the
 * same rounded-down figure, so that the pots differ by exactly the grid's bill and credit: no unit is made or lost.
 * A member's import and export of one quarter hour are both counted by the meter; the two are not netted again.
 */
export interface Slot {
  /** What the grid charges and pays: minor units for `whPerPriceUnit` Wh. */
  readonly retail: number;
  readonly feedIn: number;
  /** Wh bought (imported) and sold (exported), by the participant's id. */
  readonly demand: Whole;
  readonly supply: Whole;
  /** 1000 for prices a kWh, 1 for prices a Wh. */
  readonly whPerPriceUnit: number;
}

/** Money is whole minor units, energy whole Wh. Sum of paid minus sum of received is gridBill minus gridCredit. */
export interface Clearing {
  /** True when the grid pays more than it charges, or charges for taking: then all settle with the grid. */
  readonly suspended: boolean;
  /** Twice the price inside the village, so that it is whole. */
  readonly twiceMid: number;
  readonly demandWh: number;
  readonly supplyWh: number;
  /** What changed hands inside the village. */
  readonly tradedWh: number;
  readonly gridBill: number;
  readonly gridCredit: number;
  readonly paid: Whole;
  readonly received: Whole;
  readonly fromVillageWh: Whole;
  readonly toVillageWh: Whole;
}

/** A price that need not be whole, kept exact. */
export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/**
 * The mid-market price between the lowest price that a buyer would pay elsewhere and the highest that a seller would
 * get elsewhere; `share` of the way up from the seller's (a half by default). Without sellers it is the buyers' highest
 * price; without buyers there is no price at all and it is 0 (both as INESC TEC's rec-operation, `compute_mmr`).
 */
export function midMarketPrice(
  references: { readonly buyers: readonly number[]; readonly sellers: readonly number[] },
  share: Fraction = { numerator: 1, denominator: 2 },
): Fraction {
  const { buyers, sellers } = references;
  if (buyers.length === 0) return { numerator: 0, denominator: 1 };
  if (sellers.length === 0) return { numerator: Math.max(...buyers), denominator: 1 };
  const [low, high] = [Math.max(...sellers), Math.min(...buyers)];
  return {
    numerator: low * share.denominator + (high - low) * share.numerator,
    denominator: share.denominator,
  };
}

const sumOf = (amounts: Whole): bigint =>
  Object.values(amounts).reduce((all, wh) => all + naturalBig(wh), 0n);

/** Division by a positive number, rounded down; BigInt's own rounds towards zero. */
function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

/** To the nearest whole unit, a half goes up. */
const roundDivide = (dividend: bigint, divisor: bigint): bigint =>
  floorDivide(2n * dividend + divisor, 2n * divisor);

/**
 * Clears one slot.
 * @throws RangeError when a number is not whole, an amount of energy is negative, or a figure passes 2^53
 */
export function clearSlot(slot: Slot): Clearing {
  const { retail, feedIn, demand, supply } = slot;
  const scale = naturalBig(slot.whPerPriceUnit);
  const [demanded, supplied] = [sumOf(demand), sumOf(supply)];
  const suspended = feedIn > retail || feedIn < 0;
  const traded = suspended ? 0n : demanded < supplied ? demanded : supplied;
  const mid = midMarketPrice({ buyers: [retail], sellers: [feedIn] });
  const village = floorDivide(wholeBig(mid.numerator) * traded, BigInt(mid.denominator) * scale);
  const bill = roundDivide(wholeBig(retail) * (demanded - traded), scale);
  const credit = roundDivide(wholeBig(feedIn) * (supplied - traded), scale);
  const tradedWh = wholeNumber(traded);
  return {
    suspended,
    twiceMid: retail + feedIn,
    demandWh: wholeNumber(demanded),
    supplyWh: wholeNumber(supplied),
    tradedWh,
    gridBill: wholeNumber(bill),
    gridCredit: wholeNumber(credit),
    paid: apportion(wholeNumber(village + bill), demand),
    received: apportion(wholeNumber(village + credit), supply),
    fromVillageWh: apportion(tradedWh, demand),
    toVillageWh: apportion(tradedWh, supply),
  };
}
