import type { DenyReason } from "../../domain/model/index.ts";
import { createCollective, type CollectiveOptions } from "./collective.ts";
import { createGate, type Gate, type GateOptions } from "./gate.ts";

/** Both lanes as one gate: each member's own account, and sums over groups. */
export function createGates(options: GateOptions & CollectiveOptions): Gate {
  const lanes = [createGate(options), createCollective(options)];
  return {
    get denials() {
      const all = new Map<DenyReason, number>();
      for (const { denials } of lanes)
        for (const [because, count] of denials) all.set(because, (all.get(because) ?? 0) + count);
      return all;
    },
    async pass() {
      let more = false;
      for (const lane of lanes) more = (await lane.pass()) || more;
      return more;
    },
  };
}
