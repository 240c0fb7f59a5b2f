/**
 * CRC-16/MODBUS (MODBUS over Serial Line V1.02, section 6.2.2): polynomial 0xA001 reflected, start 0xFFFF, sent low
 * byte first.
 */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

/** The bytes with their check behind them. */
export function withCrc(bytes: Uint8Array): Buffer {
  const crc = crc16(bytes);
  return Buffer.concat([bytes, Buffer.from([crc & 0xff, crc >>> 8])]);
}

/** Over a frame and its own check the remainder is zero. */
export const hasGoodCrc = (frame: Uint8Array): boolean => frame.length >= 4 && crc16(frame) === 0;
