/*
 * A field node on an ATmega328P at 16 MHz (an Arduino Uno, Nano or Pro Mini): a meter's pulse output, a soil probe, a
 * tank's level, a pump's relay. The board's half of the work only; the link is ../src.
 *
 *   PD0/PD1  serial line, 38,400 baud, 8N1     PD2  pulse of the meter (to ground; 1,000 pulses are a kWh)
 *   PD3      button (to ground)                PB0  relay of the pump, on at 5 V
 *   ADC0     soil probe, 0 to 3 V              ADC1 tank's level, 4 to 20 mA over 150 ohms, 0 to 5 m
 */
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <string.h>

#include "../src/fieldlink.h"
#include "update.h"

#ifndef FIRMWARE
#define FIRMWARE "1.0.0"
#endif
#define TICKS_A_SECOND 100u
/* A reed contact bounces for some milliseconds; IEC 62053-31 pulses last 30 ms or more. */
#define PULSE_MIN_TICKS 3u
#define PRESENCE_TICKS (60u * TICKS_A_SECOND)
#define RELAY_MAX_SECONDS 600u
#define RECEIVED_MAX 64u

static volatile uint32_t now;
static volatile uint32_t pulses;
static volatile uint32_t last_pulse;
static volatile uint8_t received[RECEIVED_MAX];
static volatile uint8_t received_in, received_out;
static uint32_t pressed_until, relay_until;
static bool relay_is_on;
static fl_node node;

ISR(TIMER1_COMPA_vect) { now++; }

ISR(INT0_vect) {
  if (now - last_pulse < PULSE_MIN_TICKS) return;
  last_pulse = now;
  pulses++;
}

ISR(USART_RX_vect) {
  uint8_t byte = UDR0, next = (uint8_t)((received_in + 1u) % RECEIVED_MAX);
  /* What does not fit is lost, and the frame's CRC tells. */
  if (next == received_out) return;
  received[received_in] = byte;
  received_in = next;
}

static uint32_t whole(const volatile uint32_t *value) {
  uint8_t state = SREG;
  cli();
  uint32_t copy = *value;
  SREG = state;
  return copy;
}

static uint32_t ticks(void) { return whole(&now); }

static void send(uint8_t byte) {
  while (!(UCSR0A & _BV(UDRE0))) {
  }
  UDR0 = byte;
}

static uint8_t storage_read(uint16_t at) { return eeprom_read_byte((const uint8_t *)at); }

static void storage_write(uint16_t at, uint8_t value) {
  eeprom_update_byte((uint8_t *)at, value);
  wdt_reset();
}

static bool presence(void) { return (int32_t)(pressed_until - ticks()) > 0; }

static bool relay(bool on, uint16_t seconds) {
  if (on && (seconds == 0 || seconds > RELAY_MAX_SECONDS)) return false;
  relay_is_on = on;
  relay_until = ticks() + (uint32_t)seconds * TICKS_A_SECOND;
  if (on)
    PORTB |= _BV(PB0);
  else
    PORTB &= (uint8_t)~_BV(PB0);
  return true;
}

static const fl_channel CHANNELS[FL_VALUES] PROGMEM = {
    {"energy", "Wh", 0}, {"soil", "m3/m3", -3}, {"tank", "m", -3}};

static void channel(uint8_t index, fl_channel *to) { memcpy_P(to, &CHANNELS[index], sizeof *to); }

/* 0 to 1023 of 5 V; in the noise-free middle of eight conversions there is no drift worth a filter. */
static uint16_t analog(uint8_t input) {
  uint16_t sum = 0;
  ADMUX = (uint8_t)(_BV(REFS0) | input);
  for (uint8_t i = 0; i < 8; i++) {
    ADCSRA |= _BV(ADSC);
    while (ADCSRA & _BV(ADSC)) {
    }
    sum = (uint16_t)(sum + ADC);
  }
  return (uint16_t)(sum / 8u);
}

/* 3 V (614 of 1023) are 0.600 m3/m3; more is a probe that is not there: the input is pulled up. */
static int32_t soil(void) {
  uint16_t raw = analog(0);
  return raw > 620u ? FL_ABSENT : (int32_t)((uint32_t)raw * 600u / 614u);
}

/* 4 mA are 0.6 V (123 of 1023) and 0 m, 20 mA are 3 V (614) and 5 m; below 3.6 mA the wire is broken (NAMUR NE 43). */
static int32_t tank(void) {
  uint16_t raw = analog(1);
  if (raw < 111u || raw > 645u) return FL_ABSENT;
  return ((int32_t)raw - 123) * 5000 / 491;
}

static void take_sample(void) {
  int32_t values[FL_VALUES] = {(int32_t)whole(&pulses), soil(), tank()};
  fl_sample(&node, values);
}

static void open_board(void) {
  TCCR1B = _BV(WGM12) | _BV(CS11) | _BV(CS10); /* 16 MHz / 64 / 2,500 are 100 Hz */
  OCR1A = 2499;
  TIMSK1 = _BV(OCIE1A);
  UBRR0 = 25; /* 38,400 baud at 16 MHz: ATmega328P data sheet, table 20-6 */
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  PORTD = _BV(PD2) | _BV(PD3);
  DDRB = _BV(PB0);
  EICRA = _BV(ISC01); /* falling edge */
  EIMSK = _BV(INT0);
  ADCSRA = _BV(ADEN) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
}

static const fl_board BOARD = {
    .read = storage_read,
    .write = storage_write,
    .storage_bytes = UPDATE_STATE_AT,
    .ticks = ticks,
    .send = send,
    .presence = presence,
    .relay = relay,
    .update = update_step,
    .channel = channel,
    .hardware = "uno-meter",
    .firmware = FIRMWARE,
    .capabilities = FL_CAN_RELAY | FL_CAN_UPDATE | FL_KEEPS_SAMPLES,
};

static void attend(void) {
  while (received_out != received_in) {
    uint8_t byte = received[received_out];
    received_out = (uint8_t)((received_out + 1u) % RECEIVED_MAX);
    fl_receive(&node, byte);
  }
  if (!(PIND & _BV(PD3))) pressed_until = ticks() + PRESENCE_TICKS;
  if (relay_is_on && (int32_t)(relay_until - ticks()) <= 0) {
    relay(false, 0);
    fl_event(&node, FL_EVENT_RELAY_DROPPED, 0);
  }
}

int main(void) {
  uint8_t cause = GPIOR0; /* the boot section has read MCUSR */
  wdt_enable(WDTO_2S);
  open_board();
  fl_open(&node, &BOARD);
  int32_t newest[FL_VALUES];
  if (fl_newest(&node, newest)) pulses = (uint32_t)newest[0];
  update_open(node.key);
  sei();
  fl_event(&node, FL_EVENT_STARTED, cause);
  /* The first sample comes after a second; a shorter interval counts at once. */
  uint32_t last = ticks();
  bool is_first = true;
  set_sleep_mode(SLEEP_MODE_IDLE);
  for (;;) {
    wdt_reset();
    attend();
    if (ticks() - last >= (is_first ? 1u : fl_interval(&node)) * (uint32_t)TICKS_A_SECOND) {
      last = ticks();
      is_first = false;
      take_sample();
    }
    update_finish(ticks() / TICKS_A_SECOND);
    cli();
    if (received_in == received_out) {
      sleep_enable();
      sei();
      sleep_cpu();
      sleep_disable();
    }
    sei();
  }
}
