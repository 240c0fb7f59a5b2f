import { FieldwattError } from "../../domain/model/index.ts";
import { pollTurn, type HeedfulPort } from "../serial/port.ts";
import { connectTcp, type TcpOptions } from "./tcp.ts";

/**
 * A serial line behind a plain bridge (an RS485-to-Ethernet converter in its transparent mode): RTU frames with their
 * CRC as a byte stream over TCP. A half-open connection says nothing, so a stream that is silent to `silentRequests`
 * requests in a row counts as dead. Throws BUS_CLOSED.
 */
export async function openSocketPort(options: TcpOptions, silentRequests: number): Promise<HeedfulPort> {
  const socket = await connectTcp(options);
  let unanswered = 0;
  socket.on("data", () => (unanswered = 0));
  return {
    write(bytes) {
      if (++unanswered > silentRequests || !socket.writable) {
        socket.destroy();
        const why = socket.writable ? "nothing came back" : "the connection is closed";
        return Promise.reject(new FieldwattError("BUS_CLOSED", `${options.host}:${options.port}: ${why}`));
      }
      socket.write(bytes);
      return Promise.resolve();
    },
    onData: (listener) => void socket.on("data", listener),
    onClose(listener) {
      const end = (): void =>
        listener(
          new FieldwattError("BUS_CLOSED", `${options.host}:${options.port}: the connection was closed`),
        );
      socket.on("close", end);
      if (socket.destroyed) end();
    },
    async caughtUp() {
      // A socket is read within the poll that finds it readable.
      await pollTurn();
      return true;
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
