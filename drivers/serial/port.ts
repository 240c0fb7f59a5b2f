import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import type { SerialPort } from "serialport";
import type { TelegramDialect } from "../telegram/dialect.ts";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";

/** A byte pipe: a serial port, or what stands for one in a test. */
export interface BytePort extends AsyncDisposable {
  /** Resolves when the bytes have left. Throws BUS_CLOSED. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sets the one listener for bytes. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Sets the one listener for the end: the adapter was pulled, the port failed or was closed. */
  onClose(listener: (error: FieldwattError) => void): void;
}

/** A byte pipe that knows whether something waits to be read. */
export interface HeedfulPort extends BytePort {
  /**
   * Resolves true when every byte that had reached this machine at the time of the call was handed to the listener;
   * false where that could not be found out, because the machine is too busy to read.
   */
  caughtUp(): Promise<boolean>;
}

export interface PortSettings {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

/** The settings of a meter's line; seven data bits travel in eight, see telegram/line-bits.ts. */
export const telegramPort = (
  path: string,
  baudRate: number | undefined,
  dialect: TelegramDialect,
): PortSettings => ({
  path,
  baudRate: baudRate ?? dialect.baudRate,
  parity: dialect.dataBits === 7 ? "none" : dialect.parity,
  stopBits: 1,
});

/** What a serial port can do and a socket cannot. */
export interface SerialBytePort extends BytePort {
  /** Takes effect for the next byte; what was written has left before. Throws BUS_CLOSED. */
  setBaudRate(baudRate: number): Promise<void>;
  /** Holds the line for so long, as SDI-12 wakes its sensors; does nothing where the adapter cannot. */
  sendBreak(ms: number): Promise<void>;
}

/** Looks at a busy reader before it is given up, 1 ms apart. */
const MAX_LOOKS = 100;
const LOOKS_BEFORE_DOUBT = 10;

/**
 * Two turns of the event loop, so that one whole poll for events lies between: the first turn may be this one's, of
 * which the poll is over.
 */
export async function pollTurn(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

/**
 * The reader of serialport reads in a thread of the pool until the kernel has nothing left, and only then waits for the
 * kernel's word. So when it waits before and after a poll, the kernel's buffer was empty at the poll. (On Windows the
 * reader cannot be asked: there a poll has to do.)
 */
function readerWaits({ port }: SerialPort): boolean {
  return !port || !("poller" in port) || port.poller.listenerCount("readable") > 0;
}

/** Throws what ended a port that was pulled: its reader never rests, and reads nothing. */
async function caughtUp(port: SerialPort): Promise<boolean> {
  for (let look = 1; look <= MAX_LOOKS; look++) {
    const waited = readerWaits(port);
    await pollTurn();
    if (waited && readerWaits(port)) return true;
    if (look % LOOKS_BEFORE_DOUBT === 0) await port.port?.getBaudRate();
    await wait(1);
  }
  return false;
}

/** Opens a serial port for this process alone, 8 data bits. Throws BUS_CLOSED. */
export async function openSerialPort(settings: PortSettings): Promise<SerialBytePort & HeedfulPort> {
  // Loaded here: most sites have no serial line, and it is large.
  const serialport = await import("serialport");
  const port = new serialport.SerialPort({ ...settings, dataBits: 8, lock: true, autoOpen: false });
  const closed = (cause: unknown): FieldwattError =>
    new FieldwattError("BUS_CLOSED", `${settings.path}: ${cause ? messageOf(cause) : "the port closed"}`, {
      cause,
    });
  let take: ((bytes: Uint8Array) => void) | undefined;
  let tell: (error: FieldwattError) => void = () => undefined;
  port.on("error", (error) => tell(closed(error)));
  port.on("close", (error: unknown) => tell(closed(error)));
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error ? reject(closed(error)) : resolve()));
  });
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        port.write(bytes, (error) => {
          if (error) reject(closed(error));
          else port.drain((failed) => (failed ? reject(closed(failed)) : resolve()));
        });
      }),
    setBaudRate: (baudRate) =>
      new Promise((resolve, reject) => {
        port.update({ baudRate }, (error) => (error ? reject(closed(error)) : resolve()));
      }),
    sendBreak: (ms) =>
      new Promise((resolve) => {
        port.set({ brk: true }, () => setTimeout(() => port.set({ brk: false }, () => resolve()), ms));
      }),
    onData: (listener) => {
      // What came before the first listener waits for it.
      if (!take) port.on("data", (bytes: Uint8Array) => take?.(bytes));
      take = listener;
    },
    onClose: (listener) => void (tell = listener),
    caughtUp: () =>
      caughtUp(port).catch((error: unknown) => {
        tell(closed(error));
        return false;
      }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        if (port.isOpen) port.close(() => resolve());
        else resolve();
      }),
  };
}
