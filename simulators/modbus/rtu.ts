import { openPtyPair, type PtyPair } from "../pty.ts";
import { hasGoodCrc, withCrc } from "./crc.ts";
import { answer, type ModbusUnit } from "./slave.ts";

/**
 * Several Modbus RTU slaves on one pseudo-terminal: a bus. A request is framed by the length that its function code
 * asks for; bytes that make no frame are given up one by one, and all of them after a silence.
 */
export interface RtuBus extends AsyncDisposable {
  readonly path: string;
}

export interface RtuBusOptions {
  readonly link?: string;
  readonly units: ReadonlyMap<number, ModbusUnit>;
  /** Time from request to reply, ms of real time: what a meter needs to turn round. */
  readonly replyDelayMs?: number;
}

const REPLY_DELAY_MS = 8;
/** Far more than the 3.5 characters of the standard: a pseudo-terminal has no line rate, and its client may pause. */
const SILENCE_MS = 100;
const FRAME_BYTES_MAX = 256;

/** @throws FieldwattError PTY_FAILED */
export async function openRtuBus({
  link,
  units,
  replyDelayMs = REPLY_DELAY_MS,
}: RtuBusOptions): Promise<RtuBus> {
  const pty = await openPtyPair({ ...(link !== undefined && { link }) });
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, run: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };
  const framer = openFramer((request) => respond({ pty, units, later, replyDelayMs }, request));
  pty.onData((bytes) => framer.push(bytes));
  return {
    path: pty.path,
    async [Symbol.asyncDispose]() {
      framer.close();
      timers.forEach((timer) => clearTimeout(timer));
      await pty[Symbol.asyncDispose]();
    },
  };
}

interface Wire {
  readonly pty: PtyPair;
  readonly units: ReadonlyMap<number, ModbusUnit>;
  readonly replyDelayMs: number;
  later(ms: number, run: () => void): void;
}

function respond({ pty, units, later, replyDelayMs }: Wire, request: Buffer): void {
  const address = request.readUInt8(0);
  const unit = units.get(address);
  // Nobody answers for another unit, nor to a broadcast.
  if (!unit || unit.disturbance?.dead) return;
  later(replyDelayMs + (unit.disturbance?.delayMs ?? 0), () => {
    const frame = withCrc(
      Buffer.concat([Buffer.from([address]), answer(request.subarray(1, -2), unit.registers())]),
    );
    pty.write(unit.disturbance?.garble(frame, "serial") ?? frame);
  });
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
