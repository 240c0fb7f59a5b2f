import type { Mounting } from "../../domain/model/index.ts";

/** A problem with the place of one device in the tree, for the line of its `under`. */
export interface TreeProblem {
  /** The position of the device in `devices`. */
  readonly device: number;
  readonly message: string;
}

interface Placed {
  readonly id: string;
  readonly mounting: Mounting;
  readonly member?: string | undefined;
  readonly under?: string | undefined;
}

/** What may hang under what: energy that flows through the one has flowed through the other. */
const MAY_CARRY: Readonly<Partial<Record<Mounting, readonly Mounting[]>>> = {
  grid: ["grid", "solar", "battery", "load", "pump"],
  // An inverter over its strings, or a hybrid with its battery.
  solar: ["solar", "battery"],
  battery: ["battery"],
  load: ["load", "pump"],
  pump: ["pump"],
};

/** Every `under` that names no device, itself, a circle, a kind that carries no such flow, or another member's device. */
export function treeProblems(devices: readonly Placed[]): TreeProblem[] {
  const byId = new Map(devices.map((device) => [device.id, device]));
  return devices.flatMap((device, at) => {
    const message = problemOf(device, byId);
    return message === undefined ? [] : [{ device: at, message }];
  });
}

function problemOf(device: Placed, byId: ReadonlyMap<string, Placed>): string | undefined {
  const { id, under, mounting, member } = device;
  if (under === undefined) return undefined;
  const parent = byId.get(under);
  if (!parent) return `there is no device "${under}" in devices`;
  if (leadsBack(device, byId)) return `"${id}" is under itself, by way of "${under}"`;
  if (!(MAY_CARRY[parent.mounting] ?? []).includes(mounting))
    return `a device of mounting ${mounting} cannot be under one of mounting ${parent.mounting}`;
  if (parent.member !== undefined && parent.member !== member)
    return `"${under}" belongs to ${parent.member}; what is under it does, too`;
  return undefined;
}

function leadsBack(device: Placed, byId: ReadonlyMap<string, Placed>): boolean {
  const seen = new Set([device.id]);
  let next = device.under === undefined ? undefined : byId.get(device.under);
  for (; next; next = next.under === undefined ? undefined : byId.get(next.under)) {
    if (next.id === device.id) return true;
    // Another circle, which its own members are told of.
    if (seen.has(next.id)) return false;
    seen.add(next.id);
  }
  return false;
}
