import { createServer, type Server, type Socket } from "node:net";
import { FieldwattError, messageOf } from "../domain/model/index.ts";
import { PacketGuard } from "./broker-guard.ts";
import type { Logger } from "./log.ts";

/** Connections at a time; a village has some hundred devices. More are closed on arrival. */
export const CONNECTIONS_MAX = 2_000;
/** A dead peer that never pings is found by TCP after this, ms. */
const TCP_KEEPALIVE_MS = 60_000;

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly packetBytesMax: number;
  /** Takes a new connection and reads it with `read()` on "readable". */
  handle(socket: Socket): void;
  readonly log: Logger;
}

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

/** Listens for MQTT connections and guards each. Rejects with PORT_BUSY or BROKER_FAILED. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS },
    (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      options.handle(socket);
      guard(socket, options);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on("drop", () =>
    options.log.warn({ max: CONNECTIONS_MAX }, "broker: a connection too many was closed"),
  );
  await listen(server, options);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * Looks at the bytes as the broker takes them: with a "readable" listener in charge, "data" is emitted inside each
 * `read()` (nodejs.org/api/stream.html#event-data), so nothing is read ahead of the broker.
 */
function guard(socket: Socket, { packetBytesMax, log }: ListenerOptions): void {
  const packets = new PacketGuard(packetBytesMax);
  socket.on("data", (bytes: Buffer) => {
    if (socket.destroyed) return;
    const reason = packets.refusal(bytes);
    if (reason === undefined) return;
    log.warn({ from: socket.remoteAddress }, `broker: a connection was closed because ${reason}`);
    socket.destroy();
  });
}

function listen(server: Server, { host, port, log }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const busy = "code" in error && error.code === "EADDRINUSE";
      const message = busy
        ? `${host}:${port} is in use by another program.`
        : `Cannot listen on ${host}:${port}: ${messageOf(error)}`;
      reject(new FieldwattError(busy ? "PORT_BUSY" : "BROKER_FAILED", message, { cause: error }));
    });
    server.listen(port, host, () => {
      // From here on an error concerns one accept, for example too many open files.
      server.on("error", (error) => log.error({ err: error }, "broker: a connection could not be accepted"));
      resolve();
    });
  });
}
