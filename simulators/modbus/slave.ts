import { answerCoils, READ_COILS, WRITE_COIL, type Coils } from "./coils.ts";
import type { RegisterTables } from "./registers.ts";
import type { ReplyFault, UnitFaults } from "./wire-faults.ts";

/** MODBUS Application Protocol V1.1b3, section 7: exception codes. */
const ILLEGAL_FUNCTION = 1;
const ILLEGAL_DATA_ADDRESS = 2;
const ILLEGAL_DATA_VALUE = 3;
/** Section 6.3: quantity of registers 1 to 125. */
const READ_REGISTERS_MAX = 125;

const READ_HOLDING = 3;
const READ_INPUT = 4;

export const exception = (code: number, because: number): Buffer => Buffer.from([code | 0x80, because]);

/**
 * The reply of a slave that holds `tables` to one request, both without address and check (a "PDU"). Registers
 * are read only: every other function is an illegal function.
 */
export function answer(
  request: Uint8Array,
  tables: RegisterTables,
  registersMax = READ_REGISTERS_MAX,
): Buffer {
  const code = request[0] ?? 0;
  if (code !== READ_HOLDING && code !== READ_INPUT) return exception(code, ILLEGAL_FUNCTION);
  if (request.length !== 5) return exception(code, ILLEGAL_DATA_VALUE);
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  const [start, count] = [view.getUint16(1), view.getUint16(3)];
  if (count < 1 || count > registersMax) return exception(code, ILLEGAL_DATA_VALUE);
  const registers = code === READ_HOLDING ? tables.holding : tables.input;
  const reply = Buffer.alloc(2 + count * 2);
  reply.writeUInt8(code, 0);
  reply.writeUInt8(count * 2, 1);
  for (let i = 0; i < count; i++) {
    const word = registers?.get(start + i);
    if (word === undefined) return exception(code, ILLEGAL_DATA_ADDRESS);
    reply.writeUInt16BE(word, 2 + i * 2);
  }
  return reply;
}

/** One unit on a bus or behind a TCP port: its registers at the moment of a request, and what is wrong with it. */
export interface ModbusUnit {
  registers(): RegisterTables;
  /** The most registers that it gives in one reply; 125 where absent. */
  readonly registersMax?: number;
  /** Of a relay; any other unit knows no functions of coils. */
  readonly coils?: Coils;
  readonly faults?: UnitFaults;
}

/** Hears every request that reached a unit that is there: its number, and the PDU. */
export type RequestListener = (unit: number, request: Uint8Array) => void;

/** A reply as it should be. */
export const HEALTHY: ReplyFault = { delayMs: 0, copies: 1, foreign: false, damage: (frame) => frame };

/** What a unit says to one request, before it is put into a frame. */
export function replyOf(unit: ModbusUnit, request: Uint8Array): { pdu: Buffer; fault: ReplyFault } {
  const fault = unit.faults?.next() ?? HEALTHY;
  if (fault.deaf) return { pdu: Buffer.alloc(0), fault };
  const code = request[0] ?? 0;
  if (fault.exception !== undefined) return { pdu: exception(code, fault.exception), fault };
  const isOfCoils = code === READ_COILS || code === WRITE_COIL;
  if (unit.coils && isOfCoils) return { pdu: answerCoils(request, unit.coils), fault };
  return { pdu: answer(request, unit.registers(), unit.registersMax), fault };
}
