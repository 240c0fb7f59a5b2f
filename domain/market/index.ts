/** The market's arithmetic: clearing and sharing, exact to the last unit. */
export { apportion, type Whole } from "./apportion.ts";
export { clearSlot, midMarketPrice, type Clearing, type Fraction, type Slot } from "./mid-market-rate.ts";
