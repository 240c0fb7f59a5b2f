/*
 * libFuzzer: whatever comes over the line, a node reads nothing outside of its memory, answers at most one whole frame to
 * each, and keeps what waits. The input is pieces of a length and bytes: raw ones, and ones that get a right COBS, CRC
 * and MAC, so that the fuzzer also sees what lies behind these.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/fieldlink.h"

#define STORAGE 512
static uint8_t storage[STORAGE], said[1024];
static size_t said_bytes;
static uint32_t time_now;

static uint8_t storage_read(uint16_t at) {
  assert(at < STORAGE);
  return storage[at];
}
static void storage_write(uint16_t at, uint8_t value) {
  assert(at < STORAGE);
  storage[at] = value;
}
static uint32_t ticks(void) { return time_now += 7; }
static void send(uint8_t byte) {
  assert(said_bytes < sizeof said);
  said[said_bytes++] = byte;
}
static bool presence(void) { return true; }
static bool relay(bool on, uint16_t seconds) { return on && seconds < 600; }
static uint8_t update(uint8_t step, uint32_t offset, const uint8_t *bytes, uint8_t length, uint32_t *expected) {
  uint32_t sum = offset + step;
  for (uint8_t i = 0; i < length; i++) sum += bytes[i];
  *expected = sum;
  return step == 1;
}
static void channel(uint8_t index, fl_channel *to) {
  static const fl_channel ONE = {"energy", "Wh", -3};
  assert(index < FL_VALUES);
  *to = ONE;
}
static const fl_board BOARD = {.read = storage_read,
                               .write = storage_write,
                               .storage_bytes = STORAGE,
                               .ticks = ticks,
                               .send = send,
                               .presence = presence,
                               .relay = relay,
                               .update = update,
                               .channel = channel,
                               .hardware = "fuzzed",
                               .firmware = "1.0.0",
                               .capabilities = 7};

static fl_node node;
static unsigned long long frames;

static void tell_frames(void) { fprintf(stderr, "frames %llu\n", frames); }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  return atexit(tell_frames);
}

static void hear(const uint8_t *bytes, size_t length) {
  said_bytes = 0;
  for (size_t i = 0; i < length; i++) fl_receive(&node, bytes[i]);
  fl_receive(&node, 0);
  /* At most one answer a frame, whole, within the limit; a raw piece may hold several. */
  size_t frame = 0;
  for (size_t i = 0; i < said_bytes; i++) {
    assert(++frame <= FL_FRAME_MAX);
    if (said[i] == 0) frame = 0;
  }
  assert(frame == 0);
}

/* The frame that a gateway with the key would send: only the body and the type are the fuzzer's. */
static void hear_signed(uint8_t type, const uint8_t *body, size_t length) {
  static uint8_t plain[FL_FRAME_MAX], coded[2 * FL_FRAME_MAX], context[16];
  static const uint8_t NO_KEY[FL_KEY];
  if (length > FL_BODY_MAX) length = FL_BODY_MAX;
  bool hello = (type & 0x7f) == FL_HELLO;
  uint32_t sequence = node.last_request + 1u, to = node.provisioning || hello ? 0 : node.number;
  plain[0] = FL_VERSION;
  plain[1] = (uint8_t)(type | FL_FROM_GATEWAY);
  for (int i = 0; i < 4; i++) {
    plain[2 + i] = (uint8_t)(sequence >> (24 - 8 * i));
    plain[6 + i] = (uint8_t)(to >> (24 - 8 * i));
    context[i] = hello ? 0 : (uint8_t)(node.boot >> (24 - 8 * i));
    context[4 + i] = hello ? 0 : (uint8_t)(node.hellos >> (24 - 8 * i));
  }
  memset(context + 8, 0, 8);
  if (!hello) memcpy(context + 8, node.nonce, 8);
  memcpy(plain + FL_HEADER, body, length);
  size_t at = FL_HEADER + length;
  fl_mac(to == 0 ? NO_KEY : node.key, context, plain, at, plain + at);
  at += FL_MAC;
  uint16_t crc = 0;
  for (size_t i = 0; i < at; i++) crc = fl_crc16(crc, plain[i]);
  plain[at++] = (uint8_t)(crc >> 8);
  plain[at++] = (uint8_t)crc;
  hear(coded, fl_cobs_encode(plain, at, coded));
}

static void round_trip(const uint8_t *bytes, size_t length) {
  static uint8_t coded[512];
  if (length > 400) length = 400;
  size_t size = fl_cobs_encode(bytes, length, coded);
  assert(size <= length + length / 254u + 1u && memchr(coded, 0, size) == NULL);
  assert(fl_cobs_decode(coded, size) == (int)length && memcmp(coded, bytes, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  memset(storage, 0xff, STORAGE);
  fl_open(&node, &BOARD);
  node.in_session = true;
  node.number = 7;
  int32_t values[FL_VALUES] = {1, -2, FL_ABSENT};
  while (size >= 2) {
    uint8_t how = data[0];
    size_t length = data[1] & 0x7fu;
    data += 2, size -= 2;
    if (length > size) length = size;
    frames++;
    fl_sample(&node, values);
    if (how & 0x80)
      hear(data, length);
    else
      hear_signed((uint8_t)(how & 0x0f), data, length);
    round_trip(data, length);
    data += length, size -= length;
  }
  return 0;
}
