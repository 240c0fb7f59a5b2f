/** Relays of a unit: MODBUS Application Protocol V1.1b3, 6.1 (Read Coils) and 6.5 (Write Single Coil). */
export interface Coils {
  /** By wire address; undefined where there is none. */
  isOn(address: number): boolean | undefined;
  switch(address: number, on: boolean): void;
}

export const READ_COILS = 1;
export const WRITE_COIL = 5;
const COILS_MAX = 2_000;
const ILLEGAL_DATA_ADDRESS = 2;
const ILLEGAL_DATA_VALUE = 3;
/** 6.5: any other value is illegal and changes nothing. */
const [ON, OFF] = [0xff00, 0x0000];

const exception = (code: number, because: number): Buffer => Buffer.from([code | 0x80, because]);

/** The reply to a request of function 1 or 5, without address and check. */
export function answerCoils(request: Uint8Array, coils: Coils): Buffer {
  const code = request[0] ?? 0;
  if (request.length !== 5) return exception(code, ILLEGAL_DATA_VALUE);
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  const [address, value] = [view.getUint16(1), view.getUint16(3)];
  return code === READ_COILS ? read(address, value, coils) : write(address, value, { coils, request });
}

/** Eight coils a byte, the lowest address in the lowest bit. */
function read(start: number, count: number, coils: Coils): Buffer {
  if (count < 1 || count > COILS_MAX) return exception(READ_COILS, ILLEGAL_DATA_VALUE);
  const reply = Buffer.alloc(2 + Math.ceil(count / 8));
  reply.writeUInt8(READ_COILS, 0);
  reply.writeUInt8(reply.length - 2, 1);
  for (let i = 0; i < count; i++) {
    const on = coils.isOn(start + i);
    if (on === undefined) return exception(READ_COILS, ILLEGAL_DATA_ADDRESS);
    const at = 2 + Math.floor(i / 8);
    if (on) reply.writeUInt8(reply.readUInt8(at) | (1 << (i % 8)), at);
  }
  return reply;
}

/** A slave that did it says the request again. */
function write(
  address: number,
  value: number,
  { coils, request }: { readonly coils: Coils; readonly request: Uint8Array },
): Buffer {
  if (value !== ON && value !== OFF) return exception(WRITE_COIL, ILLEGAL_DATA_VALUE);
  if (coils.isOn(address) === undefined) return exception(WRITE_COIL, ILLEGAL_DATA_ADDRESS);
  coils.switch(address, value === ON);
  return Buffer.from(request);
}
