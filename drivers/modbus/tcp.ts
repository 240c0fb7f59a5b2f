import { connect, type Socket } from "node:net";
import { FieldwattError, messageOf } from "../../domain/model/index.ts";
import type { ExchangeOptions, ModbusLine } from "./line.ts";
import { coilQuestion, isWrong, readQuestion, type Question, type Wrong } from "./pdu.ts";

/**
 * Modbus TCP (Modbus Messaging on TCP/IP 1.0b, 3.1.3): each frame has a header of transaction, protocol 0, length and
 * unit. After any error the connection is destroyed: a peer that reset, stalled or lied about a length is never
 * trusted with the next request, and a late reply dies with its socket.
 */
export interface TcpOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

const HEADER = 6;
/** Ibid., 4.1: unit and 253 bytes of PDU. */
const MAX_LENGTH = 254;
const KEEP_ALIVE_MS = 10_000;
const NONE = Buffer.alloc(0);

/** Connects. Throws BUS_CLOSED. */
export async function openTcpLine(options: TcpOptions): Promise<ModbusLine> {
  const { host, port, timeoutMs } = options;
  const socket = await connectTcp(options);
  let transaction = 0;
  const ask = async <Said extends { readonly kind: string }>(
    question: Question<Said>,
    { timeoutMs: own = timeoutMs, signal }: ExchangeOptions = {},
  ): Promise<Said> => {
    transaction = (transaction + 1) % 0x1_0000;
    const name = `${host}:${port}`;
    try {
      const more = signal && { signal };
      return await exchange(socket, question, { transaction, timeoutMs: own, name, ...more });
    } catch (error) {
      socket.destroy();
      throw error;
    }
  };
  return {
    usable: () => !socket.destroyed && socket.readable,
    exchange: (request, own) => ask(readQuestion(request), own),
    write: (coil, own) => ask(coilQuestion(coil), own),
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

/** A connected socket that asks by itself, while it is idle, whether its peer is still there. Throws BUS_CLOSED. */
export async function connectTcp({ host, port, timeoutMs }: TcpOptions): Promise<Socket> {
  const socket = connect({ host, port });
  socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  // Without a listener an error would end the process; every use of the socket looks for its own end.
  socket.on("error", () => undefined);
  const closed = (detail: string, cause?: unknown): FieldwattError =>
    new FieldwattError("BUS_CLOSED", `${host}:${port}: ${detail}`, { cause });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(closed(`no connection in ${timeoutMs} ms`)), timeoutMs);
    socket.once("connect", resolve);
    socket.once("error", (error) => reject(closed(messageOf(error), error)));
    socket.once("close", () => clearTimeout(timer));
    socket.once("connect", () => clearTimeout(timer));
  }).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  return socket;
}

interface OneExchange {
  readonly transaction: number;
  readonly timeoutMs: number;
  readonly name: string;
  readonly signal?: AbortSignal;
}

function exchange<Said extends { readonly kind: string }>(
  socket: Socket,
  question: Question<Said>,
  options: OneExchange,
): Promise<Said> {
  const { unit } = question;
  const { transaction, timeoutMs, name, signal } = options;
  return new Promise((resolve, reject) => {
    let received: Buffer = NONE;
    const settle = (run: () => void) => {
      clearTimeout(timer);
      socket.off("data", onData).off("close", onClose);
      signal?.removeEventListener("abort", onAbort);
      run();
    };
    const fail = (error: unknown): void =>
      settle(() => reject(error instanceof Error ? error : new Error(String(error))));
    const onAbort = (): void => fail(signal?.reason);
    const onClose = (): void => {
      fail(new FieldwattError("BUS_CLOSED", `${name}: the connection closed while unit ${unit} was asked`));
    };
    const onData = (bytes: Buffer): void => {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      const found = parseFrame(question, transaction, received);
      if (found && isWrong(found)) {
        fail(new FieldwattError("DEVICE_GARBLED", `${name}: unit ${unit} was asked, but ${found.because}`));
      } else if (found) settle(() => resolve(found));
    };
    const timer = setTimeout(() => {
      fail(new FieldwattError("DEVICE_TIMEOUT", `${name}: unit ${unit} gave no answer in ${timeoutMs} ms`));
    }, timeoutMs);
    if (signal?.aborted) return onAbort();
    if (socket.destroyed || !socket.readable) return onClose();
    socket.on("data", onData).on("close", onClose);
    signal?.addEventListener("abort", onAbort);
    socket.write(frameOf(question.bytes, transaction));
  });
}

function frameOf(body: Uint8Array, transaction: number): Uint8Array {
  return Uint8Array.of(transaction >>> 8, transaction & 0xff, 0, 0, 0, body.length, ...body);
}

/** The reply in these bytes; undefined while it is not whole. */
function parseFrame<Said extends { readonly kind: string }>(
  question: Question<Said>,
  transaction: number,
  bytes: Buffer,
): Said | Wrong | undefined {
  if (bytes.length < HEADER) return undefined;
  const [got, protocol, length] = [bytes.readUInt16BE(0), bytes.readUInt16BE(2), bytes.readUInt16BE(4)];
  if (protocol !== 0) return { kind: "wrong", because: `protocol ${protocol} is not Modbus` };
  if (length < 3 || length > MAX_LENGTH)
    return { kind: "wrong", because: `a frame of ${length} bytes cannot be` };
  if (got !== transaction)
    return { kind: "wrong", because: `the reply is for request ${got}, not ${transaction}` };
  if (bytes.length < HEADER + length) return undefined;
  if (bytes.length > HEADER + length) return { kind: "wrong", because: "there are bytes behind the reply" };
  return question.parse(bytes.subarray(HEADER));
}
