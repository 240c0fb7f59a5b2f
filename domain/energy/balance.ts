import { wattHours, type EnergyBalance } from "../model/index.ts";

/** What a member's meters counted over one stretch of time, whole Wh. */
export interface MeteredEnergy {
  readonly import: number;
  readonly export: number;
  readonly production: number;
  readonly charge: number;
  readonly discharge: number;
}

/**
 * The household balance of one stretch. Consumption is what is left of everything that came in:
 * import + production + discharge = consumption + export + charge, exactly, because consumption is defined by it.
 * Self-consumption is the production that did not leave: production − min(production, export).
 *
 * @returns undefined where the meters contradict each other (more left than came in): an unknown, not a zero
 */
export function balanceOf(metered: MeteredEnergy): EnergyBalance | undefined {
  const consumption =
    metered.import + metered.production + metered.discharge - metered.export - metered.charge;
  if (consumption < 0) return undefined;
  return {
    import: wattHours(metered.import),
    export: wattHours(metered.export),
    production: wattHours(metered.production),
    charge: wattHours(metered.charge),
    discharge: wattHours(metered.discharge),
    consumption: wattHours(consumption),
    selfConsumption: wattHours(metered.production - Math.min(metered.production, metered.export)),
  };
}

/** The sum of balances, field by field; it adds up because each of them does. */
export function addBalances(balances: readonly EnergyBalance[]): EnergyBalance {
  const sum = (field: keyof EnergyBalance) => wattHours(balances.reduce((total, b) => total + b[field], 0));
  return {
    import: sum("import"),
    export: sum("export"),
    production: sum("production"),
    charge: sum("charge"),
    discharge: sum("discharge"),
    consumption: sum("consumption"),
    selfConsumption: sum("selfConsumption"),
  };
}

/** Share of the production that the house used itself, 0 to 1; undefined without production. */
export const selfConsumptionRate = (balance: EnergyBalance): number | undefined =>
  balance.production === 0 ? undefined : balance.selfConsumption / balance.production;

/** Share of the consumption that did not come from the grid, 0 to 1; undefined without consumption. */
export const selfSufficiency = (balance: EnergyBalance): number | undefined =>
  balance.consumption === 0 ? undefined : Math.max(0, 1 - balance.import / balance.consumption);
