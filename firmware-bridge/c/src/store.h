/*
 * What survives a power cut: identity, the count of boots, and the ring of samples. Every piece has a CRC of its own
 * and is written where the old one is not, so that a cut in the middle leaves the old one.
 */
#ifndef FIELDLINK_STORE_H
#define FIELDLINK_STORE_H

#include "fieldlink.h"

typedef struct {
  uint8_t kind; /* FL_SAMPLE or FL_EVENT */
  uint32_t sequence;
  uint32_t boot;
  uint32_t tick;
  int32_t values[FL_VALUES];
} fl_slot;

void fl_store_open(fl_node *node);
/** Number and key, kept for good. */
void fl_store_identity(fl_node *node);
bool fl_store_keep(fl_node *node, uint8_t kind, const int32_t values[FL_VALUES]);
/** The waiting slot with the lowest number from `from` on. */
bool fl_store_next(const fl_node *node, uint32_t from, fl_slot *slot);
void fl_store_forget(fl_node *node, uint32_t through);

#endif
