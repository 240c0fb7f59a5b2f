/*
 * The real firmware in an emulated ATmega328P (libsimavr), its serial line on a pseudo-terminal.
 *
 *   emulator IMAGE STATE [SPEED]   IMAGE: 32 kB of flash; STATE: a file that keeps flash and EEPROM over power cuts;
 *                                  SPEED: how many seconds of a sleeping node pass in one of the world, 1 where absent
 *
 * Prints `ready /dev/pts/N`, and `relay 0|1` when the pump's relay changes. Reads lines:
 *   pulses N          N pulses of the meter, 50 ms apart in the node's time
 *   analog I MV       millivolts at input I
 *   button 0|1        the button is up or down
 *   cut CYCLES        the power goes after so many cycles, and comes back at once; prints `cut N`
 *   noise HEX         bytes on the line as if the node had sent them
 *   quit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <simavr/avr_adc.h>
#include <simavr/avr_eeprom.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_core_decl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FLASH_BYTES 32768u
#define EEPROM_BYTES 1024u
#define RESET_AT 0x7000u /* fuse BOOTRST with 4 kB of boot section */
#define PULSE_CYCLES 800000u
#define CYCLES_A_LOOK 4000u
#define QUEUE_MAX 4096u
#define SLEEP_MAX_US 10000u

static uint8_t flash[FLASH_BYTES], eeprom[EEPROM_BYTES];
static avr_t *avr;
static int master, cuts;
static uint32_t analog[8];
static bool pressed, may_send, pin_low;
static unsigned pulses;
static avr_cycle_count_t next_edge, cut_at;
static uint8_t queue[QUEUE_MAX];
static size_t queue_in, queue_out;
static const char *state_file;
static unsigned speed = 1;
static uint64_t started_us;


static volatile sig_atomic_t is_over;
static void on_signal(int number) {
  (void)number;
  is_over = 1;
}

static void fail(const char *what) {
  fprintf(stderr, "emulator: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void load(const char *file, bool must) {
  FILE *from = fopen(file, "rb");
  if (!from) {
    if (must) fail(file);
    return;
  }
  if (fread(flash, 1, FLASH_BYTES, from) != FLASH_BYTES) fail(file);
  if (!must && fread(eeprom, 1, EEPROM_BYTES, from) != EEPROM_BYTES) fail(file);
  fclose(from);
}

static void save(void) {
  FILE *to = fopen(state_file, "wb");
  if (!to) fail(state_file);
  fwrite(flash, 1, FLASH_BYTES, to);
  fwrite(eeprom, 1, EEPROM_BYTES, to);
  if (fclose(to) != 0) fail(state_file);
}

static void on_byte(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  uint8_t byte = (uint8_t)value;
  /* What nobody reads is lost, as on a wire. */
  if (write(master, &byte, 1) != 1) return;
}
static void on_xon(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)value, (void)param;
  may_send = true;
}
static void on_xoff(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)value, (void)param;
  may_send = false;
}
static void on_relay(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  printf("relay %u\n", value & 1u);
  fflush(stdout);
}

static avr_irq_t *port(uint8_t name, uint8_t pin) {
  return avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(name), pin);
}

static void set_inputs(void) {
  avr_raise_irq(port('D', 2), pin_low ? 0 : 1);
  avr_raise_irq(port('D', 3), pressed ? 0 : 1);
  for (int i = 0; i < 2; i++)
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, (int)(ADC_IRQ_ADC0 + i)), analog[i]);
}

static uint64_t world_us(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000u + (uint64_t)at.tv_nsec / 1000u;
}

/* The node sleeps between interrupts: there its time is held against the world's. One that is behind catches up. */
static void on_sleep(avr_t *node, avr_cycle_count_t cycles) {
  uint64_t due = started_us + (node->cycle + cycles) / 16u / speed, now = world_us();
  if (due > now + 500u) usleep((useconds_t)(due - now < SLEEP_MAX_US ? due - now : SLEEP_MAX_US));
}

static void power_on(void) {
  avr = avr_make_mcu_by_name("atmega328p");
  if (!avr) fail("atmega328p");
  avr_init(avr);
  avr->frequency = 16000000;
  avr->vcc = avr->avcc = avr->aref = 5000;
  avr->log = LOG_ERROR;
  avr->sleep = on_sleep;
  memcpy(avr->flash, flash, FLASH_BYTES);
  avr->codeend = avr->flashend;
  avr_eeprom_desc_t desc = {.ee = eeprom, .offset = 0, .size = EEPROM_BYTES};
  avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &desc);
  avr->reset_pc = RESET_AT;
  avr_reset(avr);
  avr->pc = RESET_AT;
  avr_regbit_set(avr, avr->reset_flags.porf); /* as the part does (data sheet, 11.9.1); simavr leaves it out */
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_byte, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_xon, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_xoff, NULL);
  avr_irq_register_notify(port('B', 0), on_relay, NULL);
  may_send = true;
  started_us = world_us();
  cut_at = 0;
  next_edge = 0;
  pin_low = false;
  set_inputs();
}

static void power_off(void) {
  memcpy(flash, avr->flash, FLASH_BYTES);
  avr_eeprom_desc_t desc = {.ee = eeprom, .offset = 0, .size = EEPROM_BYTES};
  avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &desc);
  save();
  avr_terminate(avr);
  free(avr);
}

static void noise(const char *hex) {
  unsigned byte;
  for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) on_byte(NULL, byte, NULL);
}

static bool obey(const char *line) {
  unsigned a, b;
  unsigned long long cycles;
  if (sscanf(line, "pulses %u", &a) == 1) pulses += a;
  else if (sscanf(line, "analog %u %u", &a, &b) == 2 && a < 8) analog[a] = b;
  else if (sscanf(line, "button %u", &a) == 1) pressed = a != 0;
  else if (sscanf(line, "cut %llu", &cycles) == 1) cut_at = avr->cycle + cycles + 1;
  else if (strncmp(line, "noise ", 6) == 0) noise(line + 6);
  else if (strncmp(line, "quit", 4) == 0) return false;
  set_inputs();
  return true;
}

static bool read_orders(void) {
  static char line[512];
  static size_t length;
  char byte;
  for (;;) {
    ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got == 0) return false;
    if (got < 0) return true;
    if (byte != '\n' && length < sizeof line - 1u) {
      line[length++] = byte;
      continue;
    }
    line[length] = 0;
    length = 0;
    if (!obey(line)) return false;
  }
}

/* A byte goes in when the last one was taken; what comes too fast waits, as in a USB adapter. */
static void feed_line(void) {
  uint8_t bytes[256];
  ssize_t got = read(master, bytes, sizeof bytes);
  for (ssize_t i = 0; i < got; i++) {
    queue[queue_in % QUEUE_MAX] = bytes[i];
    queue_in++;
  }
  while (may_send && queue_out < queue_in) {
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), queue[queue_out % QUEUE_MAX]);
    queue_out++;
  }
}

static void feed_pulses(void) {
  if ((pulses == 0 && !pin_low) || avr->cycle < next_edge) return;
  next_edge = avr->cycle + PULSE_CYCLES / 2u;
  pin_low = !pin_low;
  if (pin_low) pulses--;
  set_inputs();
}

static void open_line(void) {
  int slave;
  char name[64];
  struct termios raw;
  cfmakeraw(&raw);
  if (openpty(&master, &slave, name, NULL, NULL) != 0 || tcgetattr(slave, &raw) != 0) fail("openpty");
  cfmakeraw(&raw);
  tcsetattr(slave, TCSANOW, &raw);
  fcntl(master, F_SETFL, O_NONBLOCK);
  fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  printf("ready %s\n", name);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 4 || (argc == 4 && (speed = (unsigned)atoi(argv[3])) == 0)) {
    fprintf(stderr, "use: emulator IMAGE STATE [SPEED]\n");
    return 2;
  }
  memset(eeprom, 0xff, EEPROM_BYTES);
  state_file = argv[2];
  load(argv[1], true);
  load(state_file, false);
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  power_on();
  open_line();
  for (;;) {
    avr_cycle_count_t until = avr->cycle + CYCLES_A_LOOK;
    if (cut_at != 0 && cut_at < until) until = cut_at;
    while (avr->cycle < until) {
      int state = avr_run(avr);
      if (state == cpu_Done || state == cpu_Crashed) {
        fprintf(stderr, "emulator: the program crashed\n");
        return 3;
      }
    }
    if (cut_at != 0 && avr->cycle >= cut_at) {
      power_off();
      queue_out = queue_in;
      power_on();
      printf("cut %d\n", ++cuts);
      fflush(stdout);
    }
    feed_line();
    feed_pulses();
    if (!read_orders() || is_over) break;
  }
  power_off();
  return 0;
}
