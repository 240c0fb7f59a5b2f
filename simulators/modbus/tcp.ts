import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { openRtuSlaves, type RtuWire } from "./rtu-slaves.ts";
import { exception, replyOf, type ModbusUnit, type RequestListener } from "./slave.ts";
import type { LineFault, ReplyFault } from "./wire-faults.ts";

/**
 * A Modbus TCP server with one or several units behind one port, as an RS485 gateway has.
 * MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3: the MBAP header is transaction, protocol 0,
 * length of what follows, unit. With the framing `rtu` it is a transparent serial server: RTU frames with their CRC.
 */
export interface ModbusTcpServer extends AsyncDisposable {
  readonly port: number;
}

export interface ModbusTcpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly units: ReadonlyMap<number, ModbusUnit>;
  /** `mbap` where absent. */
  readonly framing?: "mbap" | "rtu";
  readonly onRequest?: RequestListener;
}

const HEADER_BYTES = 7;
/** Unit and PDU: 1 + 253 bytes. */
const LENGTH_MAX = 254;
/** Exception 11, "gateway target device failed to respond": nobody has that unit number. */
const NO_SUCH_UNIT = 0x0b;
const CONNECTIONS_MAX = 64;
/** Header, function and byte count: behind TCP's own check only a broken slave is left, whose damage can be seen. */
const FLIPPED_SPAN = 9;

/** @throws FieldwattError PORT_BUSY */
export async function openModbusTcp(options: ModbusTcpOptions): Promise<ModbusTcpServer> {
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let port = options.port;
  let server = await listening();
  port = (server.address() as AddressInfo).port;

  function listening(): Promise<Server> {
    const next = createServer((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      // A client that goes away in the middle of a reply is its own affair.
      socket.on("error", () => socket.destroy());
      const serve = options.framing === "rtu" ? serveRtu : serveMbap;
      serve(socket, options, (fault) => lineFails(fault, socket));
    });
    next.maxConnections = CONNECTIONS_MAX;
    return listen(next, options.host, port);
  }
  function lineFails(fault: LineFault, socket: Socket): void {
    if (fault.kind === "reset") socket.resetAndDestroy();
    // Half open: the socket stays, and nothing is ever heard or said on it again.
    else if (fault.kind === "halfOpen") socket.removeAllListeners("data").on("data", () => undefined);
    else unplug(fault.ms);
  }
  function unplug(ms: number): void {
    for (const socket of sockets) socket.destroy();
    server.close();
    const timer = setTimeout(() => {
      timers.delete(timer);
      // Where somebody took the port meanwhile, the device stays away.
      void listening().then(
        (next) => (server = next),
        () => undefined,
      );
    }, ms);
    timers.add(timer);
  }
  return {
    port,
    [Symbol.asyncDispose]() {
      timers.forEach((timer) => clearTimeout(timer));
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new FieldwattError("PORT_BUSY", `${host}:${port} cannot listen: ${messageOf(cause)}`, { cause }),
      ),
    );
    server.listen(port, host, () => resolve(server));
  });
}

type Serve = (socket: Socket, options: ModbusTcpOptions, onLineFault: (fault: LineFault) => void) => void;

const serveRtu: Serve = (socket, { units, onRequest }, onLineFault) => {
  const wire: RtuWire = {
    onData: (listener) => void socket.on("data", listener),
    write: (bytes) => void (socket.destroyed || socket.write(bytes)),
  };
  const slaves = openRtuSlaves(wire, {
    units,
    replyDelayMs: 0,
    onLineFault,
    ...(onRequest && { onRequest }),
  });
  socket.on("close", () => slaves.close());
};

const serveMbap: Serve = (socket, options, onLineFault) => {
  let pending = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= HEADER_BYTES) {
      const length = pending.readUInt16BE(4);
      // Nothing can be found again in a stream whose lengths are wrong.
      if (pending.readUInt16BE(2) !== 0 || length < 2 || length > LENGTH_MAX) return void socket.destroy();
      if (pending.length < 6 + length) return;
      reply(socket, options, pending.subarray(0, 6 + length), onLineFault);
      pending = pending.subarray(6 + length);
    }
  });
};

function reply(
  socket: Socket,
  { units, onRequest }: ModbusTcpOptions,
  request: Buffer,
  onLineFault: (fault: LineFault) => void,
): void {
  const number = request.readUInt8(6);
  const unit = units.get(number);
  const pdu = request.subarray(HEADER_BYTES);
  if (!unit) return void socket.write(mbap(request, exception(pdu.readUInt8(0), NO_SUCH_UNIT)));
  onRequest?.(number, pdu);
  const { pdu: said, fault } = replyOf(unit, pdu);
  if (fault.line) return onLineFault(fault.line);
  if (fault.delayMs === 0) return send(socket, mbap(request, said), fault);
  setTimeout(() => send(socket, mbap(request, said), fault), fault.delayMs).unref();
}

function mbap(request: Buffer, pdu: Uint8Array): Buffer {
  const header = Buffer.from(request.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(pdu.length + 1, 4);
  return Buffer.concat([header, pdu]);
}

function send(socket: Socket, frame: Buffer, fault: ReplyFault): void {
  if (fault.foreign) frame.writeUInt16BE((frame.readUInt16BE(0) - 1) & 0xffff, 0);
  for (let copy = 0; copy < fault.copies && !socket.destroyed; copy++)
    socket.write(fault.damage(frame, FLIPPED_SPAN));
}
