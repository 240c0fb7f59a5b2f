/*
 * Updates of a tiny node. Flash: the program that runs (from 0x0000), the one that waits (from 0x3800), one page for
 * swapping them (0x6f80), and the boot section (4 kB from 0x7000), which alone may write flash.
 * The node trusts its gateway: the gateway checks the co-op's signature, the node the MAC by its own key.
 */
#ifndef FIELDLINK_UPDATE_H
#define FIELDLINK_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE 128u
#define WAITING_AT 0x3800u
#define SCRATCH_AT 0x6f80u
#define BANK_PAGES ((SCRATCH_AT - WAITING_AT) / PAGE)
#define BANK_BYTES (BANK_PAGES * PAGE)
/** The boot section's one service: writes a page of the waiting bank. */
#define WRITE_PAGE_AT 0x7f00u

/**
 * The last bytes of the EEPROM, by which the boot section goes; the link's samples end before. Each byte is written by
 * itself, and every order of them that a power cut can leave is one that the boot section goes on from.
 */
enum {
  UPDATE_STATE_AT = 976,
  STATE_AT = UPDATE_STATE_AT,
  STARTS_AT,
  SAVED_AT,  /* pages of which the running program's is in the scratch page, or further */
  TAKEN_AT,  /* pages of which the waiting program's is in its place, or further */
  STOWED_AT, /* pages that are swapped */
};
/** Far apart in bits: a cell that was being written when the power went is none of them, and counts as IDLE. */
enum { IDLE = 0xff, SWAP = 0x3c, TRIAL = 0x5a, REVERT = 0x66 };
/** Starts that a program on trial has to be confirmed in, before the old one comes back. */
#define TRIAL_STARTS 3u
/** And this many seconds in one start. */
#define TRIAL_SECONDS 300u

enum { STEP_BEGIN = 1, STEP_DATA, STEP_FINISH, STEP_CONFIRM, STEP_STATE };
/** What a step answers. */
enum { UPDATE_DONE = 0, UPDATE_REFUSED = 1, UPDATE_TRIAL = 2 };

void update_open(const uint8_t *key);
uint8_t update_step(uint8_t step, uint32_t offset, const uint8_t *bytes, uint8_t length, uint32_t *expected);
/** Restarts into the boot section once the answer has left, or when a trial was not confirmed in time. */
void update_finish(uint32_t seconds);

#endif
