import { hasGoodCrc, withCrc } from "../../simulators/modbus/crc.ts";
import type { PtyPair } from "../../simulators/pty.ts";

/**
 * A scripted Modbus RTU slave on a pseudo-terminal: every unit answers in order, each word is made of its own address,
 * function and unit, so that a value tells which request it belongs to; and a script says what goes wrong.
 */
export type Mishap =
  | { readonly kind: "none" }
  | { readonly kind: "late"; readonly ms: number }
  /** As late as the unit's next request, however long that takes. */
  | { readonly kind: "held" }
  | { readonly kind: "dropped" }
  | { readonly kind: "duplicated"; readonly afterMs: number }
  | { readonly kind: "truncated"; readonly bytes: number }
  | { readonly kind: "foreign"; readonly unit: number; readonly instead: boolean }
  | { readonly kind: "flipped"; readonly bit: number }
  | { readonly kind: "garbage"; readonly bytes: readonly number[] };

export interface LineRequest {
  readonly unit: number;
  readonly code: number;
  readonly at: number;
  readonly count: number;
}

export interface LineScript {
  mishap(request: LineRequest): Mishap;
  /** Modbus exception of an address; it answers the same at every time. */
  exception?(request: LineRequest): number | undefined;
  /** The word of an address; `wordAt` where absent. */
  word?(request: LineRequest, address: number): number;
}

export const wordAt = ({ unit, code }: Pick<LineRequest, "unit" | "code">, address: number): number =>
  (address + 7_919 * unit + 20_011 * code) & 0xffff;

export const expectedWords = (request: LineRequest): number[] =>
  Array.from({ length: request.count }, (_, index) => wordAt(request, request.at + index));

const REQUEST_BYTES = 8;

/** Answers on the pair until it is closed. */
export function scriptedSlave(pty: Pick<PtyPair, "onData" | "write">, script: LineScript): void {
  let pending = Buffer.alloc(0);
  const free = new Map<number, Promise<void>>();
  const release = new Map<number, () => void>();
  const answer = (request: LineRequest): void => {
    release.get(request.unit)?.();
    const before = free.get(request.unit) ?? Promise.resolve();
    const mishap = script.mishap(request);
    const held =
      mishap.kind === "held"
        ? new Promise<void>((resolve) => release.set(request.unit, resolve))
        : Promise.resolve();
    free.set(
      request.unit,
      before
        .then(() => (mishap.kind === "late" ? pause(mishap.ms) : held))
        .then(() => send(pty, replyOf(request, script), mishap)),
    );
  };
  pty.onData((bytes) => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= REQUEST_BYTES) {
      const frame = pending.subarray(0, REQUEST_BYTES);
      const good = hasGoodCrc(frame);
      pending = pending.subarray(good ? REQUEST_BYTES : 1);
      if (good) answer(requestOf(frame));
    }
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const requestOf = (frame: Buffer): LineRequest => ({
  unit: frame.readUInt8(0),
  code: frame.readUInt8(1),
  at: frame.readUInt16BE(2),
  count: frame.readUInt16BE(4),
});

function replyOf(request: LineRequest, script: LineScript): Buffer {
  const { unit, code, at, count } = request;
  const exception = script.exception?.(request);
  if (exception !== undefined) return withCrc(Buffer.from([unit, code | 0x80, exception]));
  const reply = Buffer.alloc(3 + count * 2);
  reply.set([unit, code, count * 2]);
  for (let index = 0; index < count; index++)
    reply.writeUInt16BE((script.word ?? wordAt)(request, at + index), 3 + index * 2);
  return withCrc(reply);
}

function send(pty: Pick<PtyPair, "write">, reply: Buffer, mishap: Mishap): void {
  switch (mishap.kind) {
    case "none":
    case "late":
    case "held":
      return pty.write(reply);
    case "dropped":
      return;
    case "duplicated":
      // At once is in one piece, so that nothing that stands still can come between.
      if (mishap.afterMs === 0) return pty.write(Buffer.concat([reply, reply]));
      pty.write(reply);
      setTimeout(() => pty.write(reply), mishap.afterMs);
      return;
    case "truncated":
      return pty.write(reply.subarray(0, mishap.bytes % reply.length));
    case "foreign": {
      // As another master's traffic, or another unit's late reply, would look.
      const foreign = withCrc(Buffer.from([mishap.unit, ...reply.subarray(1, -2)]));
      pty.write(foreign);
      if (!mishap.instead) pty.write(reply);
      return;
    }
    case "flipped": {
      const bit = mishap.bit % (reply.length * 8);
      reply.writeUInt8(reply.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return pty.write(reply);
    }
    case "garbage":
      pty.write(Uint8Array.from(mishap.bytes));
      return pty.write(reply);
  }
}
