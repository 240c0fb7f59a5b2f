import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { hasGoodCrc, withCrc } from "./crc.ts";
import { replyOf, type ModbusUnit, type RequestListener } from "./slave.ts";

/**
 * GoodWe's Modbus over UDP, as its Wi-Fi stick speaks it: a request is an RTU frame in one datagram; the reply is one
 * behind the two bytes AA 55, to the port that asked (marcelblijleven/goodwe, goodwe/protocol.py and modbus.py).
 */
export interface ModbusUdpServer extends AsyncDisposable {
  readonly port: number;
}

export interface ModbusUdpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly units: ReadonlyMap<number, ModbusUnit>;
  readonly onRequest?: RequestListener;
}

const PREFIX = Buffer.of(0xaa, 0x55);
/** Unit, function, start, count, check. */
const REQUEST_BYTES = 8;

/** @throws FieldwattError PORT_BUSY */
export async function openModbusUdp(options: ModbusUdpOptions): Promise<ModbusUdpServer> {
  const { host, port } = options;
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const timers = new Set<NodeJS.Timeout>();
  socket.bind(port, host);
  await once(socket, "listening").catch((cause: unknown) => {
    throw new FieldwattError("PORT_BUSY", `${host}:${port} cannot listen: ${messageOf(cause)}`, { cause });
  });
  // An answer to somebody who has gone is nobody's affair.
  socket.on("error", () => undefined);
  socket.on("message", (request, from) => respond(socket, options, { request, from, timers }));
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      timers.forEach((timer) => clearTimeout(timer));
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

interface Asked {
  readonly request: Buffer;
  readonly from: Pick<AddressInfo, "address" | "port">;
  readonly timers: Set<NodeJS.Timeout>;
}

/** A line that is reset, half open or unplugged is a datagram that nobody answers. */
function respond(
  socket: Socket,
  { units, onRequest }: ModbusUdpOptions,
  { request, from, timers }: Asked,
): void {
  const number = request[0] ?? 0;
  const unit = units.get(number);
  if (!unit || request.length !== REQUEST_BYTES || !hasGoodCrc(request)) return;
  const pdu = request.subarray(1, -2);
  onRequest?.(number, pdu);
  const { pdu: said, fault } = replyOf(unit, pdu);
  if (fault.line) return;
  const address = fault.foreign ? (number % 247) + 1 : number;
  const frame = Buffer.concat([PREFIX, withCrc(Buffer.concat([Buffer.of(address), said]))]);
  const timer = setTimeout(() => {
    timers.delete(timer);
    for (let copy = 0; copy < fault.copies; copy++)
      socket.send(fault.damage(frame, frame.length), from.port, from.address);
  }, fault.delayMs);
  timers.add(timer);
}
