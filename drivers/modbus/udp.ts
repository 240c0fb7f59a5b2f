import { createSocket, type Socket } from "node:dgram";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import { crcFits, withCrc } from "./crc.ts";
import type { ExchangeOptions, ModbusLine } from "./line.ts";
import { coilQuestion, isWrong, readQuestion, type Question, type Wrong } from "./pdu.ts";
import type { TcpOptions } from "./tcp.ts";

/**
 * GoodWe's Modbus over UDP: the request is an RTU frame with its CRC in one datagram; the reply is the same behind the
 * two bytes AA 55 (marcelblijleven/goodwe, `goodwe/modbus.py`).
 *
 * Every request has a socket, and so a port, of its own: a reply that comes late, or twice, goes to a port where nobody
 * listens any more, and cannot be taken for the reply to another request.
 */
const PREFIX: readonly number[] = [0xaa, 0x55];

/** Opens nothing: UDP has no connection. */
export function udpLine({ host, port, timeoutMs }: TcpOptions): ModbusLine {
  const ask = async <Said extends { readonly kind: string }>(
    question: Question<Said>,
    { timeoutMs: own = timeoutMs, signal }: ExchangeOptions = {},
  ): Promise<Said> => {
    signal?.throwIfAborted();
    const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
    try {
      const until = AbortSignal.any([AbortSignal.timeout(own), ...(signal ? [signal] : [])]);
      return await exchange(socket, question, { host, port, until });
    } catch (error) {
      signal?.throwIfAborted();
      throw faultOf(error, `${host}:${port}: unit ${question.unit}`, own);
    } finally {
      socket.close();
    }
  };
  return {
    usable: () => true,
    exchange: (request, own) => ask(readQuestion(request), own),
    write: (coil, own) => ask(coilQuestion(coil), own),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function faultOf(error: unknown, who: string, timeoutMs: number): FieldwattError {
  if (error instanceof FieldwattError) return new FieldwattError(error.code, `${who}: ${error.message}`);
  if (error instanceof DOMException && error.name === "TimeoutError")
    return new FieldwattError("DEVICE_TIMEOUT", `${who} gave no answer in ${timeoutMs} ms`);
  return new FieldwattError("BUS_CLOSED", `${who}: ${messageOf(error)}`, { cause: error });
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly until: AbortSignal;
}

function exchange<Said extends { readonly kind: string }>(
  socket: Socket,
  question: Question<Said>,
  { host, port, until }: Target,
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const aborted = (): void =>
      reject(until.reason instanceof Error ? until.reason : new Error("the exchange was given up"));
    until.addEventListener("abort", aborted, { once: true });
    socket.on("error", reject);
    socket.on("message", (datagram) => {
      const reply = parseDatagram(question, datagram);
      if (isWrong(reply)) reject(new FieldwattError("DEVICE_GARBLED", reply.because));
      else resolve(reply);
    });
    // Connected, the socket takes datagrams of this one peer, and hears when nobody listens there.
    socket.on("connect", () => {
      if (!until.aborted) socket.send(withCrc(question.bytes));
    });
    socket.connect(port, host);
  });
}

function parseDatagram<Said extends { readonly kind: string }>(
  question: Question<Said>,
  datagram: Uint8Array,
): Said | Wrong {
  const behind = PREFIX.every((byte, index) => datagram[index] === byte);
  const frame = behind ? datagram.subarray(PREFIX.length) : datagram;
  if (!crcFits(frame)) return { kind: "wrong", because: "the checksum of its reply is wrong" };
  return question.parse(frame.subarray(0, -2));
}
