#include "store.h"

#include <string.h>

/* The map of the storage. */
#define IDENTITY_AT 0u
#define IDENTITY_BYTES 26u /* generation, number, key, interval, CRC */
#define BOOT_AT 56u
#define BOOT_BYTES 6u /* count, CRC */
#define BOOT_SLOTS 6u /* taken in turn: an EEPROM cell stands 100,000 writes */
#define RING_AT 96u
#define SLOT_DATA (1u + 4u + 4u + 4u + 4u * FL_VALUES)
#define SLOT_BYTES (1u + SLOT_DATA + 2u)
#define WAITING 0xa5u
#define FREE 0u
#define WRITING 0xffu

static uint8_t get(const fl_node *node, uint16_t at) { return node->board->read(at); }

/* Only what differs: a write costs the cell a bit of its life. */
static void set(const fl_node *node, uint16_t at, uint8_t value) {
  if (get(node, at) != value) node->board->write(at, value);
}

static uint32_t get_number(const fl_node *node, uint16_t at, uint8_t bytes) {
  uint32_t value = 0;
  while (bytes--) value = value << 8 | get(node, at++);
  return value;
}

static void set_number(const fl_node *node, uint16_t at, uint32_t value, uint8_t bytes) {
  while (bytes--) set(node, at++, (uint8_t)(value >> (8u * bytes)));
}

/* The CRC starts at 0xFFFF here, so that neither empty (all ones) nor cleared storage passes. */
static uint16_t crc_of(const fl_node *node, uint16_t at, uint8_t bytes) {
  uint16_t crc = 0xffff;
  while (bytes--) crc = fl_crc16(crc, get(node, at++));
  return (uint16_t)~crc;
}

static bool is_whole(const fl_node *node, uint16_t at, uint8_t bytes) {
  return get_number(node, (uint16_t)(at + bytes), 2) == crc_of(node, at, bytes);
}

static void seal(const fl_node *node, uint16_t at, uint8_t bytes) {
  set_number(node, (uint16_t)(at + bytes), crc_of(node, at, bytes), 2);
}

static uint16_t identity_at(uint8_t slot) { return (uint16_t)(IDENTITY_AT + slot * IDENTITY_BYTES); }

static void open_identity(fl_node *node) {
  node->number = 0;
  node->interval = 60;
  node->generation = 0;
  node->identity_slot = 1;
  memset(node->key, 0, FL_KEY);
  for (uint8_t slot = 0; slot < 2; slot++) {
    uint16_t at = identity_at(slot), generation = (uint16_t)get_number(node, at, 2);
    if (!is_whole(node, at, IDENTITY_BYTES - 2u)) continue;
    if (node->generation != 0 && (int16_t)(generation - node->generation) < 0) continue;
    node->identity_slot = slot;
    node->generation = generation;
    node->number = get_number(node, (uint16_t)(at + 2u), 4);
    for (uint8_t i = 0; i < FL_KEY; i++) node->key[i] = get(node, (uint16_t)(at + 6u + i));
    node->interval = (uint16_t)get_number(node, (uint16_t)(at + 22u), 2);
  }
}

void fl_store_identity(fl_node *node) {
  node->identity_slot ^= 1u;
  if (++node->generation == 0) node->generation = 1;
  uint16_t at = identity_at(node->identity_slot);
  set_number(node, at, node->generation, 2);
  set_number(node, (uint16_t)(at + 2u), node->number, 4);
  for (uint8_t i = 0; i < FL_KEY; i++) set(node, (uint16_t)(at + 6u + i), node->key[i]);
  set_number(node, (uint16_t)(at + 22u), node->interval, 2);
  seal(node, at, IDENTITY_BYTES - 2u);
}

/* A number that no boot of this node had before: the node's half of what makes each conversation a new one. */
static void count_boot(fl_node *node) {
  uint8_t next = 0;
  node->boot = 0;
  for (uint8_t slot = 0; slot < BOOT_SLOTS; slot++) {
    uint16_t at = (uint16_t)(BOOT_AT + slot * BOOT_BYTES);
    uint32_t count = get_number(node, at, 4);
    if (!is_whole(node, at, 4) || count <= node->boot) continue;
    node->boot = count;
    next = (uint8_t)((slot + 1u) % BOOT_SLOTS);
  }
  node->boot++;
  uint16_t at = (uint16_t)(BOOT_AT + next * BOOT_BYTES);
  set_number(node, at, node->boot, 4);
  seal(node, at, 4);
}

static uint16_t slot_at(uint8_t slot) { return (uint16_t)(RING_AT + (uint16_t)slot * SLOT_BYTES); }

static bool slot_whole(const fl_node *node, uint8_t slot) {
  return is_whole(node, (uint16_t)(slot_at(slot) + 1u), SLOT_DATA);
}

static uint32_t slot_sequence(const fl_node *node, uint8_t slot) {
  return get_number(node, (uint16_t)(slot_at(slot) + 2u), 4);
}

static bool slot_waits(const fl_node *node, uint8_t slot) { return get(node, slot_at(slot)) == WAITING; }

static void open_ring(fl_node *node) {
  uint16_t slots = (uint16_t)((node->board->storage_bytes - RING_AT) / SLOT_BYTES);
  node->slots = slots > 255u ? 255u : (uint8_t)slots;
  node->head = (uint8_t)(node->slots - 1u);
  node->newest = 0;
  node->missed = 0;
  for (uint8_t slot = 0; slot < node->slots; slot++) {
    if (!slot_whole(node, slot)) {
      set(node, slot_at(slot), FREE);
      continue;
    }
    /* The power went after the last byte and before the mark: it is kept. */
    if (get(node, slot_at(slot)) == WRITING) set(node, slot_at(slot), WAITING);
    if (slot_sequence(node, slot) > node->newest) {
      node->newest = slot_sequence(node, slot);
      node->head = slot;
    }
  }
}

void fl_store_open(fl_node *node) {
  open_identity(node);
  count_boot(node);
  open_ring(node);
}

bool fl_store_keep(fl_node *node, uint8_t kind, const int32_t values[FL_VALUES]) {
  uint8_t slot = (uint8_t)((node->head + 1u) % node->slots);
  if (slot_waits(node, slot)) {
    node->missed++;
    return false;
  }
  set(node, slot_at(slot), WRITING);
  uint16_t at = (uint16_t)(slot_at(slot) + 1u);
  set(node, at, kind);
  set_number(node, (uint16_t)(at + 1u), node->newest + 1u, 4);
  set_number(node, (uint16_t)(at + 5u), node->boot, 4);
  set_number(node, (uint16_t)(at + 9u), node->board->ticks(), 4);
  for (uint8_t i = 0; i < FL_VALUES; i++)
    set_number(node, (uint16_t)(at + 13u + 4u * i), (uint32_t)values[i], 4);
  seal(node, at, SLOT_DATA);
  set(node, slot_at(slot), WAITING);
  node->head = slot;
  node->newest++;
  return true;
}

static void read_slot(const fl_node *node, uint8_t index, fl_slot *slot) {
  uint16_t at = (uint16_t)(slot_at(index) + 1u);
  slot->kind = get(node, at);
  slot->sequence = get_number(node, (uint16_t)(at + 1u), 4);
  slot->boot = get_number(node, (uint16_t)(at + 5u), 4);
  slot->tick = get_number(node, (uint16_t)(at + 9u), 4);
  for (uint8_t i = 0; i < FL_VALUES; i++)
    slot->values[i] = (int32_t)get_number(node, (uint16_t)(at + 13u + 4u * i), 4);
}

bool fl_store_next(const fl_node *node, uint32_t from, fl_slot *slot) {
  for (uint8_t step = 1; step <= node->slots; step++) {
    uint8_t index = (uint8_t)((node->head + step) % node->slots);
    if (!slot_waits(node, index) || slot_sequence(node, index) < from) continue;
    read_slot(node, index, slot);
    return true;
  }
  return false;
}

void fl_store_forget(fl_node *node, uint32_t through) {
  for (uint8_t slot = 0; slot < node->slots; slot++)
    if (slot_waits(node, slot) && slot_sequence(node, slot) <= through) set(node, slot_at(slot), FREE);
}

bool fl_newest(const fl_node *node, int32_t values[FL_VALUES]) {
  for (uint8_t step = 0; step < node->slots; step++) {
    uint8_t index = (uint8_t)((uint8_t)(node->head + node->slots - step) % node->slots);
    if (!slot_whole(node, index)) continue;
    fl_slot slot;
    read_slot(node, index, &slot);
    if (slot.kind != FL_SAMPLE) continue;
    memcpy(values, slot.values, sizeof slot.values);
    return true;
  }
  return false;
}
