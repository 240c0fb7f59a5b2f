import { FieldwattError, type Instant } from "../../domain/model/index.ts";
import type { DeviceDefinition } from "../definition.ts";
import { joined, type Connection, type Decoded } from "../driver.ts";
import { openSerialPort, telegramPort, type SerialBytePort } from "../serial/port.ts";
import { askOf } from "./ask.ts";
import type { TelegramDialect } from "./dialect.ts";
import { openTalk } from "./talk.ts";

type SerialConnection = Extract<Connection, { kind: "serial" }>;

/** One serial line with meters that answer when they are asked. Readings must come one after another. */
export interface TelegramBus extends AsyncDisposable {
  /**
   * Asks one meter for all it tells; samples have the time of the middle of the exchange. Throws DEVICE_TIMEOUT,
   * DEVICE_GARBLED, BUS_CLOSED, DEVICE_UNKNOWN where the device is not asked, or the reason of the signal.
   */
  read(definition: DeviceDefinition, connection: SerialConnection, signal: AbortSignal): Promise<Decoded>;
}

export const isAsked = ({ dialect }: DeviceDefinition): boolean =>
  dialect.kind === "telegram" && !dialect.pushes;

/** Stillness that a line must have before a question: what comes of an earlier one is over by then. */
const STILLNESS_MS = 30;

/** The port is opened at the first reading, and again after a fault. */
export function openTelegramBus({ now }: { now: () => Instant }): TelegramBus {
  let open: { readonly port: SerialBytePort; readonly key: string } | undefined;
  const close = async (): Promise<void> => {
    const old = open;
    open = undefined;
    await old?.port[Symbol.asyncDispose]();
  };
  const portFor = async (connection: SerialConnection, dialect: TelegramDialect): Promise<SerialBytePort> => {
    const settings = telegramPort(connection.path, connection.baudRate, dialect);
    const key = JSON.stringify(settings);
    if (open?.key !== key) await close();
    open ??= { port: await openSerialPort(settings), key };
    return open.port;
  };
  return {
    async read({ id, dialect }, connection, signal) {
      if (dialect.kind !== "telegram") throw new FieldwattError("DEVICE_UNKNOWN", `${id} sends no telegrams`);
      const ask = askOf(dialect);
      const port = await portFor(connection, dialect);
      const talk = openTalk(port, { name: connection.path, dataBits: dialect.dataBits, signal });
      const wire =
        connection.baudRate === undefined ? dialect : { ...dialect, baudRate: connection.baudRate };
      const begun = now();
      try {
        await talk.quieten(STILLNESS_MS);
        const telegrams = await ask(talk, wire, connection.address);
        const middle = (begun + Math.round((now() - begun) / 2)) as Instant;
        return stamped(joined(telegrams), middle);
      } catch (error) {
        await close();
        throw error;
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The gateway's time, not the meter's: meters' clocks are seldom right. */
const stamped = ({ samples, problems }: Decoded, time: Instant): Decoded => ({
  samples: samples.map((sample) => ({ ...sample, time })),
  problems,
});
