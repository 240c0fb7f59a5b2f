// SHA-256, SHA-512 (FIPS 180-4) and the check of an Ed25519 signature (RFC 8032, 5.1.7), in plain arithmetic, for
// browsers that give no WebCrypto: all of them do so on a page that came by plain http from the village's own network.
// Only public things are worked on here, so that it need not be fast, nor take the same time for every input.

/** The first primes; the constants of SHA-2 are fractions of their roots (FIPS 180-4, 4.2 and 5.3). */
const PRIMES = Array.from({ length: 410 }, (_, n) => n).filter(
  (n) => n > 1 && Array.from({ length: n }, (_, k) => k).every((k) => k < 2 || n % k !== 0),
);
const MASK64 = (1n << 64n) - 1n;

/** The largest whole number whose power is at most `value`, found bit by bit. */
function rootOf(value, power) {
  let root = 0n;
  for (let bit = 1n << 70n; bit > 0n; bit >>= 1n) if ((root + bit) ** power <= value) root += bit;
  return root;
}
const fractions = (primes, power) => primes.map((p) => rootOf(BigInt(p) << (64n * power), power) & MASK64);
const ROUND_CONSTANTS = fractions(PRIMES.slice(0, 80), 3n);
const START = fractions(PRIMES.slice(0, 8), 2n);

const SHA256 = {
  bits: 32n,
  rounds: 64,
  a: [2n, 13n, 22n],
  e: [6n, 11n, 25n],
  w15: [7n, 18n, 3n],
  w2: [17n, 19n, 10n],
};
const SHA512 = {
  bits: 64n,
  rounds: 80,
  a: [28n, 34n, 39n],
  e: [14n, 18n, 41n],
  w15: [1n, 8n, 7n],
  w2: [19n, 61n, 6n],
};

const numberOf = (bytes) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const bytesOf = (number, length) =>
  Uint8Array.from({ length }, (_, i) => Number((number >> BigInt(8 * (length - 1 - i))) & 255n));

function sha2(kind, message) {
  const { bits, rounds } = kind;
  const wordBytes = Number(bits) / 8;
  const blockBytes = 16 * wordBytes;
  const zeros = (2 * blockBytes - ((message.length + 1 + 2 * wordBytes) % blockBytes)) % blockBytes;
  const length = bytesOf(BigInt(message.length * 8), 2 * wordBytes);
  const padded = [...message, 0x80, ...new Uint8Array(zeros), ...length];
  let state = START.map((word) => word >> (64n - bits));
  for (let at = 0; at < padded.length; at += blockBytes) {
    const words = Array.from({ length: 16 }, (_, i) =>
      numberOf(padded.slice(at + i * wordBytes, at + (i + 1) * wordBytes)),
    );
    state = compress(kind, state, words, rounds);
  }
  return Uint8Array.from(state.flatMap((word) => [...bytesOf(word, wordBytes)]));
}

function compress({ bits, a: aTurns, e: eTurns, w15, w2 }, state, words, rounds) {
  const mask = (1n << bits) - 1n;
  const turn = (word, by) => ((word >> by) | (word << (bits - by))) & mask;
  const sum = (word, [x, y, z]) => turn(word, x) ^ turn(word, y) ^ turn(word, z);
  const step = (word, [x, y, shift]) => turn(word, x) ^ turn(word, y) ^ (word >> shift);
  for (let i = 16; i < rounds; i++)
    words.push((step(words[i - 2], w2) + words[i - 7] + step(words[i - 15], w15) + words[i - 16]) & mask);
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < rounds; i++) {
    const constant = ROUND_CONSTANTS[i] >> (64n - bits);
    const first = h + sum(e, eTurns) + ((e & f) ^ (~e & mask & g)) + constant + words[i];
    const second = sum(a, aTurns) + ((a & b) ^ (a & c) ^ (b & c));
    [a, b, c, d, e, f, g, h] = [(first + second) & mask, a, b, c, (d + first) & mask, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]) & mask);
}

export const sha256 = (message) => sha2(SHA256, message);
export const sha512 = (message) => sha2(SHA512, message);

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (n) => ((n % P) + P) % P;

function power(base, exponent) {
  let [result, square] = [1n, mod(base)];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}
const inverse = (n) => power(n, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);
const littleEndian = (bytes) => numberOf([...bytes].reverse());

/** A point as [X, Y, Z, T] (RFC 8032, 5.1.4), or undefined where the bytes are none (5.1.3). */
function pointOf(bytes) {
  const number = littleEndian(bytes);
  const y = number & ((1n << 255n) - 1n);
  const odd = number >> 255n;
  if (y >= P) return undefined;
  const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
  let x = mod(u * v ** 3n * power(u * mod(v ** 7n), (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * ROOT_OF_MINUS_ONE);
  if (mod(v * x * x) !== u || (x === 0n && odd === 1n)) return undefined;
  if ((x & 1n) !== odd) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(scalar, point) {
  let [sum, double] = [[0n, 1n, 1n, 0n], point];
  for (let left = scalar; left > 0n; left >>= 1n) {
    if (left & 1n) sum = add(sum, double);
    double = add(double, double);
  }
  return sum;
}

const BASE_Y = mod(4n * inverse(5n));
const BASE = pointOf(bytesOf(BASE_Y, 32).reverse());
const same = ([x1, y1, z1], [x2, y2, z2]) => mod(x1 * z2) === mod(x2 * z1) && mod(y1 * z2) === mod(y2 * z1);

/** Whether the signature of 64 bytes is that of the key of 32 bytes under the message. */
export function verifyEd25519(key, signature, message) {
  if (signature.length !== 64 || key.length !== 32) return false;
  const [half, s] = [signature.slice(0, 32), littleEndian(signature.slice(32))];
  const [point, r] = [pointOf(key), pointOf(half)];
  if (!point || !r || s >= ORDER) return false;
  const challenge = littleEndian(sha512([...half, ...key, ...message])) % ORDER;
  return same(times(s, BASE), add(r, times(challenge, point)));
}
