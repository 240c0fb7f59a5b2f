import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { FieldwattError, messageOf } from "../domain/model/index.ts";

/**
 * A line to the world that can be cut: a TCP relay in front of a hub. It also keeps what went up, so that a test can
 * look at the bytes on the wire and not at anybody's log.
 */
export interface Uplink extends AsyncDisposable {
  readonly port: number;
  /** Breaks every connection and refuses new ones until `mend`. */
  cut(): void;
  mend(): void;
  /** What clients sent towards the target since the start, or since `forget`; at most `SENT_BYTES_MAX`, the newest. */
  sent(): Buffer;
  forget(): void;
}

export interface UplinkOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Told of each piece that a client sent, at once; connections are numbered from 1. */
  onSent?(piece: { readonly connection: number; readonly bytes: Buffer }): void;
}

export const SENT_BYTES_MAX = 16 * 1024 * 1024;
const HOST = "127.0.0.1";

/** @throws FieldwattError PORT_BUSY */
export async function openUplink({ target, port = 0, onSent }: UplinkOptions): Promise<Uplink> {
  let connections = 0;
  const pairs = new Set<Socket>();
  const record = openByteRecord();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return void near.resetAndDestroy();
    const far = connect(target);
    relay(near, far, pairs);
    const connection = ++connections;
    near.on("data", (bytes: Buffer) => {
      record.add(bytes);
      onSent?.({ connection, bytes });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new FieldwattError("PORT_BUSY", `${HOST}:${port} cannot listen: ${messageOf(cause)}`, { cause }),
      ),
    );
    server.listen(port, HOST, resolve);
  });
  const breakAll = (): void => pairs.forEach((socket) => socket.resetAndDestroy());
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      whole = false;
      breakAll();
    },
    mend() {
      whole = true;
    },
    sent: record.bytes,
    forget: record.clear,
    [Symbol.asyncDispose]() {
      breakAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Joins two sockets so that the end of one is the end of the other. */
function relay(near: Socket, far: Socket, pairs: Set<Socket>): void {
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const) {
    pairs.add(socket);
    socket.on("error", () => other.destroy());
    socket.on("close", () => {
      pairs.delete(socket);
      other.destroy();
    });
    socket.pipe(other);
  }
}

function openByteRecord(): { add(bytes: Buffer): void; bytes(): Buffer; clear(): void } {
  let chunks: Buffer[] = [];
  let length = 0;
  return {
    add(bytes) {
      chunks.push(bytes);
      length += bytes.length;
      while (length > SENT_BYTES_MAX) length -= chunks.shift()?.length ?? 0;
    },
    bytes: () => Buffer.concat(chunks),
    clear() {
      [chunks, length] = [[], 0];
    },
  };
}
