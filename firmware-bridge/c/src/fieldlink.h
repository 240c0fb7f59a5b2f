/*
 * The field link, node's side: docs/field-link.md is the law, this is one reading of it in C99.
 *
 * No allocation, no floating point, no recursion. All state is in one `fl_node` that the caller owns. The node speaks
 * only when it is asked, so several may share one line. Samples lie in a ring of slots in the board's storage (EEPROM,
 * or RAM where there is none) until the gateway says that it has committed them; none is ever overwritten before.
 */
#ifndef FIELDLINK_H
#define FIELDLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_VERSION 1u
/** Bytes of a frame on the wire, the zero at its end included. */
#define FL_FRAME_MAX 128u
/** The same before COBS, which adds one byte to so few, and without the zero. */
#define FL_PLAIN_MAX (FL_FRAME_MAX - 2u)
#define FL_HEADER 10u
#define FL_MAC 8u
#define FL_CRC 2u
#define FL_BODY_MAX (FL_PLAIN_MAX - FL_HEADER - FL_MAC - FL_CRC)
#define FL_KEY 16u
#define FL_NONCE 8u

/** Measured values in one sample. */
#ifndef FL_VALUES
#define FL_VALUES 3u
#endif
/** A value that is not there: it is left out of the frame, for missing is never zero. */
#define FL_ABSENT INT32_MIN

/** Frames of the gateway have this bit in their type; the node's answers do not. */
#define FL_FROM_GATEWAY 0x80u
enum { FL_HELLO = 1, FL_TIME, FL_SAMPLE, FL_ACK, FL_BACKLOG, FL_CONFIG, FL_EVENT, FL_UPDATE };
enum { FL_CONFIG_PROVISION = 1, FL_CONFIG_INTERVAL, FL_CONFIG_RELAY };
enum { FL_DONE = 0, FL_REFUSED = 1 };
enum { FL_EVENT_STARTED = 1, FL_EVENT_MISSED, FL_EVENT_RELAY_DROPPED };
enum { FL_CAN_RELAY = 1, FL_CAN_UPDATE = 2, FL_KEEPS_SAMPLES = 4 };

/** Names and units are SenML's (RFC 8428); a value counts in units of ten to the power of `exponent`. */
typedef struct {
  char name[8];
  char unit[6];
  int8_t exponent;
} fl_channel;

/** What the board gives. Functions are called from fl_open, fl_receive, fl_sample and fl_event only. */
typedef struct {
  uint8_t (*read)(uint16_t at);
  void (*write)(uint16_t at, uint8_t value);
  uint16_t storage_bytes;
  /** Hundredths of a second since the start; it wraps at 2^32. */
  uint32_t (*ticks)(void);
  void (*send)(uint8_t byte);
  /** A person is at the node and has pressed its button: it may be given a number and a key. */
  bool (*presence)(void);
  /** Switches the relay, which falls off after so many seconds; false where there is none. */
  bool (*relay)(bool on, uint16_t seconds);
  /** One step of an update; NULL where the board cannot. Answers a state and the offset that it waits for. */
  uint8_t (*update)(uint8_t step, uint32_t offset, const uint8_t *bytes, uint8_t length, uint32_t *expected);
  /** Reads channel `index` of a table that may lie in flash. */
  void (*channel)(uint8_t index, fl_channel *channel);
  /** Text of at most 12 characters each; the hardware's id does not change. */
  const char *hardware;
  const char *firmware;
  uint8_t capabilities;
} fl_board;

typedef struct {
  const fl_board *board;
  uint32_t number;
  uint32_t boot;
  uint32_t hellos;
  uint32_t last_request;
  uint32_t newest;
  uint32_t missed;
  uint16_t interval;
  uint16_t generation;
  uint8_t identity_slot;
  uint8_t head;
  uint8_t slots;
  bool in_session;
  bool provisioning;
  bool overlong;
  uint8_t length;
  uint8_t key[FL_KEY];
  uint8_t nonce[FL_NONCE];
  uint8_t frame[FL_FRAME_MAX];
} fl_node;

/** Finds what the storage holds, counts the boot, and waits for the gateway. */
void fl_open(fl_node *node, const fl_board *board);
/** Takes one byte from the line; a whole frame is answered before this returns. */
void fl_receive(fl_node *node, uint8_t byte);
/** Keeps one sample. False, and counted as missed, where every slot waits for the gateway. */
bool fl_sample(fl_node *node, const int32_t values[FL_VALUES]);
/** Keeps one event the same way. */
bool fl_event(fl_node *node, uint8_t kind, int32_t detail);
/** The values of the newest sample that survived, so that a counter goes on. False where there is none. */
bool fl_newest(const fl_node *node, int32_t values[FL_VALUES]);
/** Seconds between samples, as the gateway set them. */
uint16_t fl_interval(const fl_node *node);

/* Pieces that the tests of both sides share. */
uint16_t fl_crc16(uint16_t crc, uint8_t byte);
/** Bytes written to `out`, which has room for length + length / 254 + 1. */
size_t fl_cobs_encode(const uint8_t *bytes, size_t length, uint8_t *out);
/** Decodes in place. Bytes, or -1 where the input is no COBS. */
int fl_cobs_decode(uint8_t *bytes, size_t length);
/** SipHash-2-4 of the context and the bytes, as one message. */
void fl_mac(const uint8_t key[FL_KEY], const uint8_t context[16], const uint8_t *bytes, size_t length,
            uint8_t out[FL_MAC]);

#endif
