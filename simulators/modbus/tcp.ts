import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { answer, type ModbusUnit } from "./slave.ts";

/**
 * A Modbus TCP server with one or several units behind one port, as an RS485 gateway has.
 * MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3: the MBAP header is transaction, protocol 0,
 * length of what follows, unit.
 */
export interface ModbusTcpServer extends AsyncDisposable {
  readonly port: number;
}

export interface ModbusTcpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly units: ReadonlyMap<number, ModbusUnit>;
}

const HEADER_BYTES = 7;
/** Unit and PDU: 1 + 253 bytes. */
const LENGTH_MAX = 254;
/** Exception 11, "gateway target device failed to respond": nobody has that unit number. */
const NO_SUCH_UNIT = 0x0b;
const CONNECTIONS_MAX = 64;

/** @throws FieldwattError PORT_BUSY */
export async function openModbusTcp({ host, port, units }: ModbusTcpOptions): Promise<ModbusTcpServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A client that goes away in the middle of a reply is its own affair.
    socket.on("error", () => socket.destroy());
    serve(socket, units);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new FieldwattError("PORT_BUSY", `${host}:${port} cannot listen: ${messageOf(cause)}`, { cause }),
      ),
    );
    server.listen(port, host, resolve);
  });
}

function serve(socket: Socket, units: ReadonlyMap<number, ModbusUnit>): void {
  let pending = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= HEADER_BYTES) {
      const length = pending.readUInt16BE(4);
      // Nothing can be found again in a stream whose lengths are wrong.
      if (pending.readUInt16BE(2) !== 0 || length < 2 || length > LENGTH_MAX) return void socket.destroy();
      if (pending.length < 6 + length) return;
      reply(socket, units, pending.subarray(0, 6 + length));
      pending = pending.subarray(6 + length);
    }
  });
}

function reply(socket: Socket, units: ReadonlyMap<number, ModbusUnit>, request: Buffer): void {
  const unit = units.get(request.readUInt8(6));
  const pdu = request.subarray(HEADER_BYTES);
  if (!unit) return send(socket, request, Buffer.from([pdu.readUInt8(0) | 0x80, NO_SUCH_UNIT]));
  const { disturbance } = unit;
  if (disturbance?.dead) return;
  const answered = answer(pdu, unit.registers());
  const garbled = disturbance ? disturbance.garble(answered, "tcp") : answered;
  if (!disturbance?.delayMs) return send(socket, request, garbled);
  setTimeout(() => send(socket, request, garbled), disturbance.delayMs).unref();
}

function send(socket: Socket, request: Buffer, pdu: Uint8Array): void {
  if (socket.destroyed) return;
  const header = Buffer.from(request.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(pdu.length + 1, 4);
  socket.write(Buffer.concat([header, pdu]));
}
