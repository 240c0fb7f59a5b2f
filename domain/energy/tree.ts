import { wattHours, type EnergyBalance, type Mounting, type WattHours } from "../model/index.ts";
import { balanceOf } from "./balance.ts";

/**
 * The site's devices as a tree: what flows through a device that is `under` another has flowed through that one too.
 * So a sum takes the topmost device of a kind and never what hangs below it, and each device that has others under it
 * can be held against them: what it measured beyond them is a loss or a use that nobody meters, what they measured
 * beyond it is a contradiction. Either is told.
 */
export interface TreeDevice {
  readonly id: string;
  readonly member?: string;
  readonly mounting: Mounting;
  /** The device that this one's flow passes through. */
  readonly under?: string;
}

/** Whole Wh both ways over one stretch of time, as the meter says it (import flows to its load side). */
export interface Counted {
  readonly import: number;
  readonly export: number;
}

/** What is known of one stretch; a device that is not here is unknown. */
export type CountedById = ReadonlyMap<string, Counted>;

const parentsOf = (devices: readonly TreeDevice[]): ReadonlyMap<string, TreeDevice> => {
  const byId = new Map(devices.map((device) => [device.id, device]));
  return new Map(
    devices.flatMap(({ id, under }) => {
      const parent = under === undefined ? undefined : byId.get(under);
      return parent ? [[id, parent]] : [];
    }),
  );
};

/** The devices of a mounting that hang under no other of it among `devices`. */
export function topmost(devices: readonly TreeDevice[], mounting: Mounting): TreeDevice[] {
  const parents = parentsOf(devices);
  const hangsUnderOne = (id: string): boolean => {
    let parent = parents.get(id);
    // A tree is never deeper than it has devices; a circle, which the site file refuses, ends here too.
    for (let depth = 0; parent && depth < devices.length; depth++, parent = parents.get(parent.id))
      if (parent.mounting === mounting) return true;
    return false;
  };
  return devices.filter((device) => device.mounting === mounting && !hangsUnderOne(device.id));
}

/** A sum of which some parts may be unknown: then it is unknown, and their names are told. */
interface Sum {
  readonly import: number;
  readonly export: number;
  readonly unknown: readonly string[];
}

function sumOf(devices: readonly TreeDevice[], counted: CountedById): Sum {
  const sum = { import: 0, export: 0, unknown: [] as string[] };
  for (const { id } of devices) {
    const one = counted.get(id);
    if (!one) sum.unknown.push(id);
    sum.import += one?.import ?? 0;
    sum.export += one?.export ?? 0;
  }
  return sum;
}

/** A device that has others under it, held against them. */
export interface Residual {
  readonly id: string;
  /** Wh that the device measured beyond what is under it; below zero: the tree contradicts itself by so much. */
  readonly wattHours: number;
  /** Below zero by more than the last digits of its meters. */
  readonly contradiction: boolean;
  /** Grid meters are under it: what is missing is lost in wires. */
  readonly losses: boolean;
}

const net = ({ import: into, export: outOf }: Counted): number => into - outOf;

/** Every device with others under it whose figures are all known. Each meter may be off by the Wh that it cuts off. */
export function residuals(devices: readonly TreeDevice[], counted: CountedById): Residual[] {
  const below = Map.groupBy(devices, ({ under }) => under);
  return devices.flatMap(({ id, mounting }) => {
    const [own, children] = [counted.get(id), below.get(id) ?? []];
    const sum = sumOf(children, counted);
    if (!own || children.length === 0 || sum.unknown.length > 0) return [];
    // What a roof makes leaves it: there more of the parent is more export.
    const wh = (net(own) - net(sum)) * (mounting === "solar" ? -1 : 1);
    const losses = mounting === "grid" && children.some((child) => child.mounting === "grid");
    return [{ id, wattHours: wh, contradiction: wh < -2 * (children.length + 1), losses }];
  });
}

export type TreeBalance =
  | {
      readonly kind: "known";
      readonly balance: EnergyBalance;
      /** Wh of the consumption that sub-meters and pumps name; the rest is use that nobody meters. */
      readonly metered: number;
    }
  | { readonly kind: "unknown"; readonly devices: readonly string[] }
  /** More left than came in, by so many Wh. */
  | { readonly kind: "contradiction"; readonly wattHours: number };

/**
 * The balance of a household: import + production + discharge = consumption + export + charge, exactly.
 * Only the topmost device of each kind is summed.
 */
export function householdBalance(devices: readonly TreeDevice[], counted: CountedById): TreeBalance {
  const grid = sumOf(topmost(devices, "grid"), counted);
  const solar = sumOf(topmost(devices, "solar"), counted);
  const battery = sumOf(topmost(devices, "battery"), counted);
  const unknown = [...grid.unknown, ...solar.unknown, ...battery.unknown];
  if (unknown.length > 0) return { kind: "unknown", devices: unknown };
  const metered = {
    import: grid.import,
    export: grid.export,
    production: solar.export,
    charge: battery.import,
    discharge: battery.export,
  };
  const balance = balanceOf(metered);
  if (!balance) {
    const { import: into, export: outOf, production, charge, discharge } = metered;
    return { kind: "contradiction", wattHours: outOf + charge - into - production - discharge };
  }
  const uses = sumOf(topUses(devices), counted);
  return { kind: "known", balance, metered: uses.import };
}

/** Loads and pumps that hang under no other load or pump. */
function topUses(devices: readonly TreeDevice[]): TreeDevice[] {
  const asLoads = devices.map((device) =>
    device.mounting === "pump" ? { ...device, mounting: "load" as const } : device,
  );
  return topmost(asLoads, "load");
}

/** A village's balance. A figure that some device leaves unknown is absent, and the device is named. */
export interface VillageBalance {
  readonly import?: WattHours;
  readonly export?: WattHours;
  readonly production?: WattHours;
  readonly charge?: WattHours;
  readonly discharge?: WattHours;
  /** import + production + discharge = consumption + export + charge + losses, exactly. */
  readonly consumption?: number;
  /** What feeders measured beyond the meters under them; below zero where these say more than the feeder. */
  readonly losses?: number;
  readonly unknown: readonly string[];
}

/**
 * The balance of everything: import and export at the topmost grid meters (the feeder, where there is one), production
 * and battery wherever they hang, losses between each feeder and the meters under it.
 */
export function villageBalance(devices: readonly TreeDevice[], counted: CountedById): VillageBalance {
  const grid = sumOf(topmost(devices, "grid"), counted);
  const solar = sumOf(topmost(devices, "solar"), counted);
  const battery = sumOf(topmost(devices, "battery"), counted);
  const { losses, unknown: lossUnknown } = feederLosses(devices, counted);
  const unknown = [...new Set([...grid.unknown, ...solar.unknown, ...battery.unknown, ...lossUnknown])];
  const all = unknown.length === 0;
  const into = grid.import + solar.export + battery.export;
  return {
    ...(grid.unknown.length === 0 && {
      import: wattHours(grid.import),
      export: wattHours(grid.export),
    }),
    ...(solar.unknown.length === 0 && { production: wattHours(solar.export) }),
    ...(battery.unknown.length === 0 && {
      charge: wattHours(battery.import),
      discharge: wattHours(battery.export),
    }),
    ...(all && { consumption: into - grid.export - battery.import - losses, losses }),
    unknown,
  };
}

function feederLosses(
  devices: readonly TreeDevice[],
  counted: CountedById,
): { readonly losses: number; readonly unknown: readonly string[] } {
  const below = Map.groupBy(devices, ({ under }) => under);
  const feeders = devices.filter(
    ({ id, mounting }) =>
      mounting === "grid" && (below.get(id) ?? []).some((child) => child.mounting === "grid"),
  );
  let losses = 0;
  const unknown: string[] = [];
  for (const feeder of feeders) {
    const children = sumOf(below.get(feeder.id) ?? [], counted);
    const own = counted.get(feeder.id);
    unknown.push(...(own ? [] : [feeder.id]), ...children.unknown);
    if (own) losses += net(own) - net(children);
  }
  return { losses, unknown };
}
