import { createServer, type Server, type Socket } from "node:net";
import { FieldwattError, messageOf } from "../../domain/model/errors.ts";
import { PacketGuard } from "./guard.ts";
import type { Say } from "./say.ts";

/** Connections at a time; a village has some hundred devices. More are closed on arrival. */
export const CONNECTIONS_MAX = 2_000;
/** Of these, connections that have not signed in yet; beyond it the one that waits longest is closed. */
export const STRANGERS_MAX = 500;
/** A dead peer that never pings is found by TCP after this, ms. */
const TCP_KEEPALIVE_MS = 60_000;
/** How long one packet may take to arrive, ms. */
export const PACKET_MS = 60_000;
/** How often it is looked at, within that time. */
const LOOKS = 12;

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly packetBytesMax: number;
  /** `PACKET_MS` where absent. */
  readonly packetMs?: number;
  /** A clock that only runs forward, ms. */
  now(): number;
  /** Takes a new connection and reads it with `read()` on "readable". */
  handle(socket: Socket): void;
  readonly say: Say;
}

export interface Listener extends AsyncDisposable {
  readonly port: number;
  /** The connection is somebody's: it has signed in. */
  known(connection: unknown): void;
}

interface Guarded {
  readonly socket: Socket;
  readonly packets: PacketGuard;
  /** When the packet that is under way began. */
  since: number | undefined;
}

/** Listens for MQTT connections and guards each. Rejects with PORT_BUSY or BROKER_FAILED. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const guarded = new Set<Guarded>();
  const strangers = new Set<unknown>();
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS },
    (socket) => {
      const one = { socket, packets: new PacketGuard(options.packetBytesMax), since: undefined };
      guarded.add(one);
      strangers.add(socket);
      socket.once("close", () => (guarded.delete(one), strangers.delete(socket)));
      guard(one, options);
      options.handle(socket);
      const [oldest] = strangers;
      if (strangers.size > STRANGERS_MAX && oldest !== undefined) (oldest as Socket).destroy();
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on("drop", () =>
    options.say.warn({ max: CONNECTIONS_MAX }, "broker: a connection too many was closed"),
  );
  await listen(server, options);
  const look = setInterval(() => endSlow(guarded, options), (options.packetMs ?? PACKET_MS) / LOOKS);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    known: (connection) => void strangers.delete(connection),
    async [Symbol.asyncDispose]() {
      clearInterval(look);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const { socket } of guarded) socket.destroy();
      await closed;
    },
  };
}

/**
 * Stands between the socket and aedes, which reads with `read()` whatever there is: gives it so many packets at a time
 * and nothing of one that is too large. What is held back stays in the socket, whose sender TCP then slows.
 */
function guard(one: Guarded, { now, say }: Pick<ListenerOptions, "now" | "say">): void {
  const { socket, packets } = one;
  const read = socket.read.bind(socket);
  socket.read = (size?: number): Buffer | null => {
    if (size === 0) return read(0) as Buffer | null;
    const bytes = read() as Buffer | null;
    if (bytes === null || socket.destroyed) return null;
    const before = packets.whole;
    const taken = packets.take(bytes);
    if (!packets.inPacket) one.since = undefined;
    else if (one.since === undefined || packets.whole > before) one.since = now();
    if (packets.refusal !== undefined) return end(one, packets.refusal, say);
    if (taken === bytes.length) return bytes;
    socket.unshift(bytes.subarray(taken));
    return bytes.subarray(0, taken);
  };
}

function end({ socket }: Guarded, because: string, say: Say): null {
  say.warn({ from: socket.remoteAddress }, `broker: a connection was closed because ${because}`);
  socket.destroy();
  return null;
}

function endSlow(guarded: ReadonlySet<Guarded>, options: ListenerOptions): void {
  const { packetMs = PACKET_MS, say } = options;
  const now = options.now();
  for (const one of guarded)
    if (one.since !== undefined && now - one.since > packetMs)
      end(one, `a packet took longer than ${packetMs} ms`, say);
}

function listen(server: Server, { host, port, say }: ListenerOptions): Promise<void> {
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
      server.on("error", (error) => say.error({ error: messageOf(error) }, "broker: no connection accepted"));
      resolve();
    });
  });
}
