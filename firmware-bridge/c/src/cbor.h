/* The little of CBOR (RFC 8949) that the link needs, into and out of one frame. Never beyond its end. */
#ifndef FIELDLINK_CBOR_H
#define FIELDLINK_CBOR_H

#include "fieldlink.h"

typedef struct {
  uint8_t *bytes;
  uint8_t length;
  uint8_t at;
  bool bad;
} fl_cbor;

enum { FL_UINT = 0, FL_NEGATIVE, FL_BYTES, FL_TEXT, FL_LIST, FL_MAP, FL_TAG, FL_SIMPLE };

void fl_put(fl_cbor *to, uint8_t major, uint32_t argument);
void fl_put_int(fl_cbor *to, int32_t value);
void fl_put_bytes(fl_cbor *to, uint8_t major, const void *bytes, uint8_t length);

/** The argument of an item of that kind; 0, and `bad`, where another one stands there. */
uint32_t fl_take(fl_cbor *from, uint8_t major);
/** The place of a string's bytes within the frame, and its length. */
const uint8_t *fl_take_bytes(fl_cbor *from, uint8_t *length);

#endif
