import { hasGoodCrc, withCrc } from "./crc.ts";
import { replyOf, type ModbusUnit, type RequestListener } from "./slave.ts";
import type { LineFault, ReplyFault } from "./wire-faults.ts";

/**
 * Several Modbus RTU slaves on one wire. A request is framed by the length that its function code asks for; bytes that
 * make no frame are given up one by one, and all of them after a silence.
 */
export interface RtuWire {
  onData(listener: (bytes: Uint8Array) => unknown): void;
  write(bytes: Uint8Array): void;
}

export interface RtuSlavesOptions {
  readonly units: ReadonlyMap<number, ModbusUnit>;
  /** Time from request to reply, ms of real time: what a meter needs to turn round. */
  readonly replyDelayMs: number;
  readonly onLineFault: (fault: LineFault) => void;
  readonly onRequest?: RequestListener;
}

/** Far more than the 3.5 characters of the standard: a pseudo-terminal has no line rate, and its client may pause. */
const SILENCE_MS = 100;
const FRAME_BYTES_MAX = 256;

/** Answers on the wire until it is closed. */
export function openRtuSlaves(wire: RtuWire, options: RtuSlavesOptions): { close(): void } {
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, run: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };
  const framer = openFramer((request) => respond(wire, options, request, later));
  let closed = false;
  wire.onData((bytes) => closed || framer.push(bytes));
  return {
    close() {
      closed = true;
      framer.close();
      timers.forEach((timer) => clearTimeout(timer));
    },
  };
}

function respond(
  wire: RtuWire,
  { units, replyDelayMs, onLineFault, onRequest }: RtuSlavesOptions,
  request: Buffer,
  later: (ms: number, run: () => void) => void,
): void {
  const address = request.readUInt8(0);
  const unit = units.get(address);
  // Nobody answers for another unit, nor to a broadcast.
  if (!unit) return;
  const pdu = request.subarray(1, -2);
  onRequest?.(address, pdu);
  const { pdu: said, fault } = replyOf(unit, pdu);
  if (fault.line) return onLineFault(fault.line);
  // Its neighbour's address: a reply that the CRC cannot tell from a good one.
  const from = fault.foreign ? (address % 247) + 1 : address;
  const frame = withCrc(Buffer.concat([Buffer.from([from]), said]));
  later(replyDelayMs + fault.delayMs, () => send(wire, frame, fault));
}

function send(wire: RtuWire, frame: Buffer, fault: ReplyFault): void {
  for (let copy = 0; copy < fault.copies; copy++) wire.write(fault.damage(frame, frame.length));
}

/** Bytes of a whole request of this beginning, or undefined while that cannot be known. */
function requestBytes(pending: Buffer): number | undefined {
  if (pending.length < 2) return undefined;
  const code = pending.readUInt8(1);
  // Write multiple coils or registers: address, code, start, count, byte count, values, check.
  if (code !== 15 && code !== 16) return 8;
  return pending.length < 7 ? undefined : 9 + pending.readUInt8(6);
}

function openFramer(onRequest: (request: Buffer) => void): { push(bytes: Uint8Array): void; close(): void } {
  let pending = Buffer.alloc(0);
  let silence: NodeJS.Timeout | undefined;
  const take = (): void => {
    for (
      let wanted = requestBytes(pending);
      wanted !== undefined && pending.length >= wanted;
      wanted = requestBytes(pending)
    ) {
      const frame = pending.subarray(0, wanted);
      const good = hasGoodCrc(frame);
      if (good) onRequest(frame);
      pending = pending.subarray(good ? wanted : 1);
    }
  };
  return {
    push(bytes) {
      clearTimeout(silence);
      pending = Buffer.concat([pending, bytes]).subarray(-FRAME_BYTES_MAX);
      take();
      if (pending.length > 0) silence = setTimeout(() => (pending = Buffer.alloc(0)), SILENCE_MS);
    },
    close: () => clearTimeout(silence),
  };
}
