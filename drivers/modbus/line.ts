import type { Answer, CoilWrite, ReadRequest, Written } from "./pdu.ts";

export interface ExchangeOptions {
  /** How long the device may take; the line's own time-out where absent. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One open connection to a bus. Requests must come one after another. */
export interface ModbusLine extends AsyncDisposable {
  /**
   * Sends one request and waits for its own reply. Throws DEVICE_TIMEOUT, DEVICE_GARBLED, BUS_CLOSED, or the reason
   * of the signal.
   */
  exchange(request: ReadRequest, options?: ExchangeOptions): Promise<Answer>;
  /** Switches one coil; resolves when the device has repeated the request. Throws as `exchange`. */
  write(coil: CoilWrite, options?: ExchangeOptions): Promise<Written>;
  /** False once the connection is of no more use; the bus then opens another. */
  usable(): boolean;
}
