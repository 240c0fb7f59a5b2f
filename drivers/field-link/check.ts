/** CRC-16/XMODEM: polynomial 0x1021, start 0. "123456789" gives 0x31C3 (reveng's catalogue). */
export function crcXmodem(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

const MASK = (1n << 64n) - 1n;
const START = [0x736f6d6570736575n, 0x646f72616e646f6dn, 0x6c7967656e657261n, 0x7465646279746573n];
type State = [bigint, bigint, bigint, bigint];

const rotate = (word: bigint, bits: bigint): bigint => ((word << bits) | (word >> (64n - bits))) & MASK;

function rounds([a, b, c, d]: State, count: number): State {
  for (let round = 0; round < count; round++) {
    a = (a + b) & MASK;
    b = rotate(b, 13n) ^ a;
    a = rotate(a, 32n);
    c = (c + d) & MASK;
    d = rotate(d, 16n) ^ c;
    a = (a + d) & MASK;
    d = rotate(d, 21n) ^ a;
    c = (c + b) & MASK;
    b = rotate(b, 17n) ^ c;
    c = rotate(c, 32n);
  }
  return [a, b, c, d];
}

/**
 * SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, 2012) of the messages as one: a MAC of 8 bytes by a key of 16, made for
 * short messages, and small enough for the smallest nodes.
 */
export function sipHash(key: Uint8Array, ...messages: readonly Uint8Array[]): Uint8Array {
  const message = Buffer.concat(messages);
  const padded = Buffer.alloc(message.length - (message.length % 8) + 8);
  message.copy(padded);
  padded[padded.length - 1] = message.length & 0xff;
  const { buffer, byteOffset } = Buffer.from(key);
  const view = new DataView(buffer, byteOffset, 16);
  const halves = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  const word = (i: number): bigint => (START[i] ?? 0n) ^ (halves[i % 2] ?? 0n);
  let state: State = [word(0), word(1), word(2), word(3)];
  for (let at = 0; at < padded.length; at += 8) {
    const block = padded.readBigUInt64LE(at);
    state = rounds([state[0], state[1], state[2], state[3] ^ block], 2);
    state = [state[0] ^ block, state[1], state[2], state[3]];
  }
  const [a, b, c, d] = rounds([state[0], state[1], state[2] ^ 0xffn, state[3]], 4);
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(a ^ b ^ c ^ d);
  return Uint8Array.from(out);
}
