import type { Instant } from "../../domain/model/index.ts";
import { weigh, type Trust } from "./evidence.ts";
import type { Machine } from "./machine.ts";
import { jumpOf, type ClockModel, type Look } from "./model.ts";

/** A time that the hub signed, and the uptime at which it was heard. */
export interface HubTime {
  readonly time: number;
  readonly uptime: number;
}

/** One look at the machine's clock and at all that speaks for or against it. */
export async function lookAt({
  machine,
  trust,
  model,
  newest,
  hub,
}: {
  readonly machine: Machine;
  readonly trust: Trust;
  readonly model: ClockModel;
  readonly newest: Instant;
  readonly hub: HubTime | undefined;
}): Promise<Look> {
  const ntp = await machine.ntp();
  const at = { uptime: machine.uptime(), wall: machine.wall() };
  const found = weigh({
    ...at,
    trust,
    ntp,
    newest,
    rtcAgrees: machine.rtcAgrees(),
    ...(jumpOf(model, at) !== 0 && { steadyUntil: model.steady }),
    ...(hub && { hub }),
  });
  return { ...at, ...found };
}
