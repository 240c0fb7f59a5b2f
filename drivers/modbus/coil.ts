import { FieldwattError } from "../../domain/model/index.ts";
import { EXCEPTION_FLAG, exceptionText } from "./pdu.ts";
import { connectTcp } from "./tcp.ts";

/** One coil behind Modbus TCP; `at` is the wire address, 0-based. */
export interface Coil {
  readonly host: string;
  readonly port: number;
  readonly unit: number;
  readonly at: number;
}

/** Modbus Application Protocol 1.1b3, 6.5 (Write Single Coil). */
const WRITE_COIL = 5;
const ON = 0xff;
/** MBAP header and unit 7, function, address, value: the reply is the request again. */
const FRAME_BYTES = 12;
const EXCEPTION_BYTES = 9;

/**
 * Switches a coil over a connection of its own, and resolves when the device has repeated the request.
 * Throws BUS_CLOSED, DEVICE_TIMEOUT, DEVICE_REFUSED (an exception) or DEVICE_GARBLED (another reply).
 */
export async function writeCoil(
  { host, port, unit, at }: Coil,
  state: boolean,
  timeoutMs: number,
): Promise<void> {
  const socket = await connectTcp({ host, port, timeoutMs });
  const request = Uint8Array.of(0, 1, 0, 0, 0, 6, unit, WRITE_COIL, at >>> 8, at & 0xff, state ? ON : 0, 0);
  const name = `${host}:${port} unit ${unit}`;
  try {
    const reply = await new Promise<Buffer>((resolve, reject) => {
      let received = Buffer.alloc(0);
      const fail = (error: FieldwattError): void => reject(error);
      const timer = setTimeout(
        () => fail(new FieldwattError("DEVICE_TIMEOUT", `${name} gave no answer in ${timeoutMs} ms`)),
        timeoutMs,
      );
      socket.once("close", () => {
        clearTimeout(timer);
        fail(new FieldwattError("BUS_CLOSED", `${name} closed the connection`));
      });
      socket.on("data", (bytes: Buffer) => {
        received = Buffer.concat([received, bytes]);
        if (received.length >= wholeLength(received)) resolve(received);
      });
      socket.write(request);
    });
    judge(reply, request, name);
  } finally {
    socket.destroy();
  }
}

const isException = (bytes: Buffer): boolean => bytes[7] === (WRITE_COIL | EXCEPTION_FLAG);
const wholeLength = (bytes: Buffer): number => (isException(bytes) ? EXCEPTION_BYTES : FRAME_BYTES);

function judge(reply: Buffer, request: Uint8Array, name: string): void {
  if (isException(reply))
    throw new FieldwattError("DEVICE_REFUSED", `${name} answered with ${exceptionText(reply[8] ?? 0)}`);
  if (!reply.equals(request))
    throw new FieldwattError("DEVICE_GARBLED", `${name} was to repeat the request, and said something else`);
}
