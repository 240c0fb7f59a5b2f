#include "update.h"

#include <avr/eeprom.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/wdt.h>
#include <string.h>

#include "../src/fieldlink.h"

static const uint8_t *node_key;
static uint8_t page[PAGE];
static uint8_t wanted_mac[FL_MAC];
static uint16_t image_bytes, next_offset;
static bool restart;

static uint8_t state(void) { return eeprom_read_byte((const uint8_t *)STATE_AT); }

static void write_page(uint16_t at) {
  uint8_t interrupts = SREG;
  __asm__ volatile("cli");
  ((void (*)(uint16_t, const uint8_t *))(WRITE_PAGE_AT / 2u))(at, page);
  SREG = interrupts;
}

/* The MAC of each page goes into the next one's; each also holds the whole length and its own place. */
static bool is_ours(void) {
  uint8_t context[16] = {0}, mac[FL_MAC] = {0}, differs = 0;
  for (uint16_t at = 0; at < image_bytes; at = (uint16_t)(at + PAGE)) {
    memcpy(context, mac, FL_MAC);
    context[10] = (uint8_t)(image_bytes >> 8);
    context[11] = (uint8_t)image_bytes;
    context[14] = (uint8_t)(at >> 8);
    context[15] = (uint8_t)at;
    uint16_t left = (uint16_t)(image_bytes - at);
    memcpy_P(page, (const void *)(WAITING_AT + at), PAGE);
    fl_mac(node_key, context, page, left < PAGE ? left : PAGE, mac);
    wdt_reset();
  }
  for (uint8_t i = 0; i < FL_MAC; i++) differs |= (uint8_t)(mac[i] ^ wanted_mac[i]);
  return differs == 0;
}

static uint8_t begin(uint32_t length, const uint8_t *mac, uint8_t mac_length) {
  if (length == 0 || length > BANK_BYTES || mac_length != FL_MAC || state() == TRIAL) return UPDATE_REFUSED;
  /* The same image again goes on where it stopped. */
  if (length == image_bytes && memcmp(mac, wanted_mac, FL_MAC) == 0) return UPDATE_DONE;
  image_bytes = (uint16_t)length;
  next_offset = 0;
  memcpy(wanted_mac, mac, FL_MAC);
  return UPDATE_DONE;
}

static uint8_t take(uint32_t offset, const uint8_t *bytes, uint8_t length) {
  if (image_bytes == 0) return UPDATE_REFUSED;
  /* Another place than the one that is waited for: the answer says which. */
  if (offset != next_offset || length == 0 || length > image_bytes - next_offset) return UPDATE_DONE;
  for (uint8_t i = 0; i < length; i++) {
    page[next_offset % PAGE] = bytes[i];
    next_offset++;
    if (next_offset % PAGE == 0 || next_offset == image_bytes)
      write_page((uint16_t)(WAITING_AT + (uint16_t)(next_offset - 1u) / PAGE * PAGE));
  }
  return UPDATE_DONE;
}

static uint8_t finish(void) {
  if (image_bytes == 0 || next_offset != image_bytes || !is_ours()) {
    image_bytes = 0;
    return UPDATE_REFUSED;
  }
  for (uint16_t at = STARTS_AT; at <= STOWED_AT; at++) eeprom_update_byte((uint8_t *)at, 0);
  eeprom_update_byte((uint8_t *)STATE_AT, SWAP);
  restart = true;
  return UPDATE_DONE;
}

uint8_t update_step(uint8_t step, uint32_t offset, const uint8_t *bytes, uint8_t length, uint32_t *expected) {
  uint8_t answer = UPDATE_REFUSED;
  if (step == STEP_BEGIN) answer = begin(offset, bytes, length);
  if (step == STEP_DATA) answer = take(offset, bytes, length);
  if (step == STEP_FINISH) answer = finish();
  if (step == STEP_CONFIRM) {
    if (state() == TRIAL) eeprom_update_byte((uint8_t *)STATE_AT, IDLE);
    answer = UPDATE_DONE;
  }
  if (step == STEP_STATE) answer = state() == TRIAL ? UPDATE_TRIAL : UPDATE_DONE;
  *expected = next_offset;
  return answer;
}

void update_open(const uint8_t *key) { node_key = key; }

void update_finish(uint32_t seconds) {
  if (!restart && (seconds < TRIAL_SECONDS || state() != TRIAL)) return;
  while (!(UCSR0A & _BV(UDRE0))) {
  }
  wdt_enable(WDTO_15MS);
  for (;;) {
  }
}
