import type { Instant } from "../../domain/model/index.ts";
import {
  openTelegramBus,
  type Connection,
  type Decoded,
  type DeviceDefinition,
} from "../../drivers/index.ts";
import { pollBus, type Polling } from "./poll.ts";

/** A meter on a serial line that tells its values when it is asked for its telegram. */
export interface AskedMeter {
  readonly id: string;
  readonly interval: number;
  readonly definition: DeviceDefinition;
  readonly connection: Extract<Connection, { kind: "serial" }>;
  keep(decoded: Decoded): Promise<void>;
}

/** Asks the meters of one line in turn until the polling's signal aborts. */
export async function askMeters(
  meters: readonly AskedMeter[],
  { now, polling }: { now: () => Instant; polling: Polling },
): Promise<void> {
  await using bus = openTelegramBus({ now });
  const devices = meters.map(({ definition, connection, ...meter }) => {
    const read = (signal: AbortSignal): Promise<Decoded> => bus.read(definition, connection, signal);
    return { ...meter, read, probe: async (signal: AbortSignal) => void (await read(signal)) };
  });
  await pollBus(devices, polling);
}
