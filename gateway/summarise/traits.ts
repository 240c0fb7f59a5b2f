import type { RegisterTraits } from "../../domain/energy/continuity.ts";
import type { Quantity } from "../../domain/model/index.ts";
import type { Definitions } from "../../drivers/index.ts";
import type { SiteDevice } from "../site/schema.ts";

export type TraitsOf = (device: SiteDevice) => (quantity: Quantity, channel: string) => RegisterTraits;

/** What the site file alone says. */
export const siteTraits: TraitsOf = ({ ratedPower }) => {
  const traits = ratedPower === undefined ? {} : { mostPower: ratedPower };
  return () => traits;
};

/**
 * What device files and the site file say of a device's registers: the modulus of the counter, and the most power that
 * flows: the site's `ratedPower`, else the end of the range that the device file gives for active power.
 */
export const traitsFrom =
  (catalogue: Definitions): TraitsOf =>
  (device) => {
    const { dialect, limits } = catalogue.find(device.device);
    const points = dialect.kind === "modbus" ? [...limits, ...dialect.points] : limits;
    const range = points.find(
      ({ quantity, channel, valid }) =>
        quantity === "activePower" && channel === undefined && valid?.max !== undefined,
    );
    const mostPower = device.ratedPower ?? range?.valid?.max;
    return (quantity, channel) => {
      const counters = points.filter((one) => one.quantity === quantity && (one.channel ?? "") === channel);
      const modulus = counters.find(({ counter }) => counter?.modulus !== undefined)?.counter?.modulus;
      return { ...(modulus !== undefined && { modulus }), ...(mostPower !== undefined && { mostPower }) };
    };
  };
