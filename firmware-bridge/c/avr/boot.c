/*
 * The boot section: it starts first (fuse BOOTRST), swaps the waiting program in where one is to be, brings the old one
 * back where a program on trial was not confirmed, and starts the program with the watchdog running. It never changes.
 */
#include <avr/boot.h>
#include <avr/eeprom.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/wdt.h>

#include "update.h"

static void copy_page(uint16_t from, uint16_t to) {
  for (uint16_t i = 0; i < PAGE; i += 2) boot_page_fill(to + i, pgm_read_word(from + i));
  boot_page_erase(to);
  boot_spm_busy_wait();
  boot_page_write(to);
  boot_spm_busy_wait();
  boot_rww_enable();
}

/* Called by the program. What runs cannot be written through it. */
__attribute__((section(".writepage"), used)) void write_page(uint16_t to, const uint8_t *bytes) {
  if (to < WAITING_AT || to >= SCRATCH_AT) return;
  for (uint16_t i = 0; i < PAGE; i += 2)
    boot_page_fill(to + i, (uint16_t)(bytes[i] | (uint16_t)bytes[i + 1] << 8));
  boot_page_erase(to);
  boot_spm_busy_wait();
  boot_page_write(to);
  boot_spm_busy_wait();
  boot_rww_enable();
}

static uint8_t get(uint16_t at) { return eeprom_read_byte((const uint8_t *)at); }

static void set(uint16_t at, uint8_t value) {
  eeprom_update_byte((uint8_t *)at, value);
  eeprom_busy_wait();
}

/*
 * Each step may be repeated until its count is written: the running page goes to the scratch page, the waiting one into
 * its place, the scratch page to where that one waited.
 */
static void swap(void) {
  while (get(STOWED_AT) < BANK_PAGES) {
    uint8_t number = get(STOWED_AT);
    uint16_t running = (uint16_t)(number * PAGE), waiting = (uint16_t)(WAITING_AT + number * PAGE);
    if (get(SAVED_AT) == number) {
      copy_page(running, SCRATCH_AT);
      set(SAVED_AT, (uint8_t)(number + 1u));
    }
    if (get(TAKEN_AT) == number) {
      copy_page(waiting, running);
      set(TAKEN_AT, (uint8_t)(number + 1u));
    }
    copy_page(SCRATCH_AT, waiting);
    set(STOWED_AT, (uint8_t)(number + 1u));
  }
}

static void count_start(void) {
  uint8_t starts = get(STARTS_AT);
  if (starts < TRIAL_STARTS) {
    set(STARTS_AT, (uint8_t)(starts + 1u));
    return;
  }
  set(SAVED_AT, 0);
  set(TAKEN_AT, 0);
  set(STOWED_AT, 0);
  set(STATE_AT, REVERT);
}

/* The first words of the section: no start-up code of the C library stands before. */
__attribute__((section(".init9"), naked, used)) void start(void) {
  __asm__ volatile("clr r1");
  SP = RAMEND;
  uint8_t cause = MCUSR;
  MCUSR = 0;
  wdt_disable();
  if (get(STATE_AT) == SWAP) {
    swap();
    set(STATE_AT, TRIAL);
  }
  if (get(STATE_AT) == TRIAL) count_start();
  if (get(STATE_AT) == REVERT) {
    swap();
    set(STATE_AT, IDLE);
  }
  GPIOR0 = cause;
  wdt_enable(WDTO_2S);
  __asm__ volatile("jmp 0");
}
