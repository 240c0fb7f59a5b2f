/* The checks of a frame: COBS, CRC-16/XMODEM, SipHash-2-4. */
#include "fieldlink.h"

/* CRC-16/XMODEM: polynomial 0x1021, start 0. "123456789" gives 0x31C3 (reveng's catalogue). */
uint16_t fl_crc16(uint16_t crc, uint8_t byte) {
  crc = (uint16_t)(crc ^ ((uint16_t)byte << 8));
  for (uint8_t bit = 0; bit < 8; bit++)
    crc = (uint16_t)((crc << 1) ^ ((crc & 0x8000u) ? 0x1021u : 0u));
  return crc;
}

/* S. Cheshire, M. Baker: Consistent Overhead Byte Stuffing, IEEE/ACM ToN 7(2), 1999. */
size_t fl_cobs_encode(const uint8_t *bytes, size_t length, uint8_t *out) {
  size_t code = 0, to = 1;
  uint8_t run = 1;
  for (size_t at = 0; at < length; at++) {
    if (run == 0xff) {
      out[code] = run;
      code = to++;
      run = 1;
    }
    if (bytes[at] == 0) {
      out[code] = run;
      code = to++;
      run = 1;
    } else {
      out[to++] = bytes[at];
      run++;
    }
  }
  out[code] = run;
  return to;
}

int fl_cobs_decode(uint8_t *bytes, size_t length) {
  size_t at = 0, to = 0;
  while (at < length) {
    uint8_t code = bytes[at++];
    if (code == 0 || at + (size_t)code - 1u > length) return -1;
    for (uint8_t i = 1; i < code; i++) {
      if (bytes[at] == 0) return -1;
      bytes[to++] = bytes[at++];
    }
    if (code != 0xff && at < length) bytes[to++] = 0;
  }
  return (int)to;
}

/*
 * SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, 2012), with 64-bit words as bytes: on an 8-bit part that is a fifth of
 * the flash that the compiler's own 64-bit arithmetic takes.
 */
typedef uint8_t word[8];

static void add(word a, const word b) {
  uint16_t carry = 0;
  for (uint8_t i = 0; i < 8; i++) {
    carry = (uint16_t)(carry + a[i] + b[i]);
    a[i] = (uint8_t)carry;
    carry >>= 8;
  }
}

static void xor(word a, const word b) {
  for (uint8_t i = 0; i < 8; i++) a[i] ^= b[i];
}

/* Left by whole bytes, then by 0 to 7 bits. */
static void rotate(word a, uint8_t bytes, uint8_t bits) {
  word old;
  for (uint8_t i = 0; i < 8; i++) old[i] = a[i];
  for (uint8_t i = 0; i < 8; i++) {
    uint8_t high = old[(uint8_t)(i - bytes) & 7u], low = old[(uint8_t)(i - bytes - 1u) & 7u];
    a[i] = (uint8_t)(((uint16_t)((uint16_t)high << 8 | low) << bits) >> 8);
  }
}

static void rounds(word v[4], uint8_t count) {
  while (count--) {
    add(v[0], v[1]);
    rotate(v[1], 1, 5); /* 13 */
    xor(v[1], v[0]);
    rotate(v[0], 4, 0); /* 32 */
    add(v[2], v[3]);
    rotate(v[3], 2, 0); /* 16 */
    xor(v[3], v[2]);
    add(v[0], v[3]);
    rotate(v[3], 2, 5); /* 21 */
    xor(v[3], v[0]);
    add(v[2], v[1]);
    rotate(v[1], 2, 1); /* 17 */
    xor(v[1], v[2]);
    rotate(v[2], 4, 0); /* 32 */
  }
}

static void take(word v[4], word m) {
  xor(v[3], m);
  rounds(v, 2);
  xor(v[0], m);
}

static const char START[33] = "uespemosmodnarodarenegylsetybdet";

void fl_mac(const uint8_t key[FL_KEY], const uint8_t context[16], const uint8_t *bytes, size_t length,
            uint8_t out[FL_MAC]) {
  word v[4], m;
  for (uint8_t i = 0; i < 32; i++)
    v[i / 8u][i % 8u] = (uint8_t)((uint8_t)START[i] ^ key[i % 16u]);
  size_t total = length + 16u;
  for (size_t at = 0; at < total; at++) {
    m[at % 8u] = at < 16u ? context[at] : bytes[at - 16u];
    if (at % 8u == 7u) take(v, m);
  }
  for (uint8_t i = (uint8_t)(total % 8u); i < 7; i++) m[i] = 0;
  m[7] = (uint8_t)total;
  take(v, m);
  v[2][0] ^= 0xff;
  rounds(v, 4);
  for (uint8_t i = 0; i < 8; i++) out[i] = v[0][i] ^ v[1][i] ^ v[2][i] ^ v[3][i];
}
