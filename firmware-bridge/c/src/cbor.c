#include "cbor.h"

#include <string.h>

static void put(fl_cbor *to, uint8_t byte) {
  if (to->at < to->length)
    to->bytes[to->at++] = byte;
  else
    to->bad = true;
}

void fl_put(fl_cbor *to, uint8_t major, uint32_t argument) {
  uint8_t kind = (uint8_t)(major << 5);
  if (argument < 24u) {
    put(to, (uint8_t)(kind | argument));
    return;
  }
  uint8_t bytes = argument < 0x100u ? 1 : argument < 0x10000u ? 2 : 4;
  put(to, (uint8_t)(kind | (bytes == 1 ? 24u : bytes == 2 ? 25u : 26u)));
  while (bytes--) put(to, (uint8_t)(argument >> (8u * bytes)));
}

void fl_put_int(fl_cbor *to, int32_t value) {
  if (value >= 0)
    fl_put(to, FL_UINT, (uint32_t)value);
  else
    fl_put(to, FL_NEGATIVE, (uint32_t)(-1 - value));
}

void fl_put_bytes(fl_cbor *to, uint8_t major, const void *bytes, uint8_t length) {
  fl_put(to, major, length);
  for (uint8_t i = 0; i < length; i++) put(to, ((const uint8_t *)bytes)[i]);
}

uint32_t fl_take(fl_cbor *from, uint8_t major) {
  if (from->at >= from->length || from->bytes[from->at] >> 5 != major) {
    from->bad = true;
    return 0;
  }
  uint8_t info = from->bytes[from->at++] & 0x1fu;
  if (info < 24u) return info;
  uint8_t bytes = info == 24u ? 1 : info == 25u ? 2 : info == 26u ? 4 : 0;
  if (bytes == 0 || bytes > (uint8_t)(from->length - from->at)) {
    from->bad = true;
    return 0;
  }
  uint32_t value = 0;
  while (bytes--) value = value << 8 | from->bytes[from->at++];
  return value;
}

const uint8_t *fl_take_bytes(fl_cbor *from, uint8_t *length) {
  uint32_t count = fl_take(from, FL_BYTES);
  *length = 0;
  if (from->bad || count > (uint32_t)(from->length - from->at)) {
    from->bad = true;
    return from->bytes;
  }
  const uint8_t *bytes = from->bytes + from->at;
  from->at = (uint8_t)(from->at + count);
  *length = (uint8_t)count;
  return bytes;
}
