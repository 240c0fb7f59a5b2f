/*
 * One node on a desk, for tests: reads lines, and answers those that ask.
 *
 *   tick N | press 0|1 | sample A B C | event KIND DETAIL      how it is for the node
 *   hear HEX           bytes from the line; answers with what the node says, in hex
 *   cobs HEX | uncobs HEX | mac KEY CONTEXT HEX | crc HEX      the pieces
 */
#include <stdio.h>
#include <string.h>

#include "../src/fieldlink.h"

#define STORAGE 976
#define LINE_MAX_BYTES 4096
static uint8_t storage[STORAGE];
static uint32_t time_now;
static bool pressed;

static uint8_t storage_read(uint16_t at) { return storage[at]; }
static void storage_write(uint16_t at, uint8_t value) { storage[at] = value; }
static uint32_t ticks(void) { return time_now; }
static void send(uint8_t byte) { printf("%02x", byte); }
static bool presence(void) { return pressed; }
static void channel(uint8_t index, fl_channel *to) {
  static const fl_channel CHANNELS[FL_VALUES] = {{"energy", "Wh", 0}, {"soil", "m3/m3", -3}, {"tank", "m", -3}};
  *to = CHANNELS[index];
}
static const fl_board BOARD = {.read = storage_read,
                               .write = storage_write,
                               .storage_bytes = STORAGE,
                               .ticks = ticks,
                               .send = send,
                               .presence = presence,
                               .channel = channel,
                               .hardware = "desk",
                               .firmware = "1.0.0",
                               .capabilities = 7};

static uint8_t bytes[LINE_MAX_BYTES], key[LINE_MAX_BYTES], context[LINE_MAX_BYTES], coded[LINE_MAX_BYTES + 32];

static size_t from_hex(const char *hex, uint8_t *to) {
  size_t length = 0;
  unsigned byte;
  for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) to[length++] = (uint8_t)byte;
  return length;
}

static void print_hex(const uint8_t *from, size_t length) {
  for (size_t i = 0; i < length; i++) printf("%02x", from[i]);
}

int main(void) {
  static char line[2 * LINE_MAX_BYTES], a[2 * LINE_MAX_BYTES], b[2 * LINE_MAX_BYTES], c[2 * LINE_MAX_BYTES];
  static fl_node node;
  long long x, y, z;
  memset(storage, 0xff, STORAGE);
  fl_open(&node, &BOARD);
  while (fgets(line, sizeof line, stdin)) {
    a[0] = b[0] = c[0] = 0;
    if (sscanf(line, "tick %lld", &x) == 1) time_now = (uint32_t)x;
    else if (sscanf(line, "press %lld", &x) == 1) pressed = x != 0;
    else if (sscanf(line, "sample %lld %lld %lld", &x, &y, &z) == 3)
      fl_sample(&node, (int32_t[]){(int32_t)x, (int32_t)y, (int32_t)z});
    else if (sscanf(line, "event %lld %lld", &x, &y) == 2) fl_event(&node, (uint8_t)x, (int32_t)y);
    else if (sscanf(line, "mac %s %s %s", a, b, c) >= 2) {
      from_hex(a, key);
      from_hex(b, context);
      fl_mac(key, context, bytes, from_hex(c, bytes), coded);
      print_hex(coded, FL_MAC);
    } else if (strncmp(line, "cobs", 4) == 0) {
      print_hex(coded, fl_cobs_encode(bytes, from_hex(line + 5, bytes), coded));
    } else if (strncmp(line, "uncobs", 6) == 0) {
      int length = fl_cobs_decode(bytes, from_hex(line + 7, bytes));
      if (length < 0) printf("invalid");
      else print_hex(bytes, (size_t)length);
    } else if (strncmp(line, "crc", 3) == 0) {
      uint16_t crc = 0;
      size_t length = from_hex(line + 4, bytes);
      for (size_t i = 0; i < length; i++) crc = fl_crc16(crc, bytes[i]);
      printf("%04x", crc);
    } else if (strncmp(line, "hear", 4) == 0) {
      size_t length = from_hex(line + 5, bytes);
      for (size_t i = 0; i < length; i++) fl_receive(&node, bytes[i]);
    } else {
      continue;
    }
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
