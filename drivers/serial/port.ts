import { SerialPort } from "serialport";
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

export interface PortSettings {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

/** Opens a serial port for this process alone, 8 data bits. Throws BUS_CLOSED. */
export async function openSerialPort(settings: PortSettings): Promise<BytePort> {
  const port = new SerialPort({ ...settings, dataBits: 8, lock: true, autoOpen: false });
  const closed = (cause: unknown): FieldwattError =>
    new FieldwattError("BUS_CLOSED", `${settings.path}: ${cause ? messageOf(cause) : "the port closed"}`, {
      cause,
    });
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
    onData: (listener) => void port.on("data", listener),
    onClose: (listener) => void (tell = listener),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        if (port.isOpen) port.close(() => resolve());
        else resolve();
      }),
  };
}
