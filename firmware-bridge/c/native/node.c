/*
 * The same library on this machine: many nodes, each on a pseudo-terminal of its own or all on one line.
 *
 *   native-nodes COUNT own|shared
 *
 * Prints `ready N /dev/pts/M` for each. The node that has no number yet, the first of them, has its button pressed. The
 * energy of node N begins at N * 1000 Wh and grows by one each sample. Reads lines: `babble N MS` repeats what node N
 * said last every MS milliseconds without being asked, 0 ends it; `restart N` starts it again; `quit`.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../src/fieldlink.h"

#define NODES_MAX 64
#define STORAGE 976
#define LOOK_MS 5
#define SAID_MAX 256

typedef struct {
  fl_node node;
  uint8_t storage[STORAGE];
  uint8_t said[SAID_MAX];
  int said_bytes;
  int babble_ms;
  uint32_t babble_next, sampled;
  bool has_sampled;
  int32_t energy;
  int line;
} machine;

static machine machines[NODES_MAX];
static machine *current;
static int count, lines[NODES_MAX];

static uint32_t ticks(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint32_t)((uint64_t)at.tv_sec * 100u + (uint64_t)at.tv_nsec / 10000000u);
}
static uint8_t storage_read(uint16_t at) { return current->storage[at]; }
static void storage_write(uint16_t at, uint8_t value) { current->storage[at] = value; }
static void send(uint8_t byte) {
  if (current->said_bytes > 0 && current->said[current->said_bytes - 1] == 0) current->said_bytes = 0;
  if (current->said_bytes < SAID_MAX) current->said[current->said_bytes++] = byte;
  if (byte == 0 && write(lines[current->line], current->said, (size_t)current->said_bytes) < 0) return;
}
/* One button at a time: of the first node that has no number. */
static bool presence(void) {
  for (int i = 0; i < count; i++)
    if (machines[i].node.number == 0) return &machines[i] == current;
  return false;
}
static void channel(uint8_t index, fl_channel *to) {
  static const fl_channel CHANNELS[FL_VALUES] = {{"energy", "Wh", 0}, {"soil", "m3/m3", -3}, {"tank", "m", -3}};
  *to = CHANNELS[index];
}
static const fl_board BOARD = {.read = storage_read,
                               .write = storage_write,
                               .storage_bytes = STORAGE,
                               .ticks = ticks,
                               .send = send,
                               .presence = presence,
                               .channel = channel,
                               .hardware = "native",
                               .firmware = "1.0.0",
                               .capabilities = FL_KEEPS_SAMPLES};

static void restart(machine *one) {
  current = one;
  fl_open(&one->node, &BOARD);
  fl_event(&one->node, FL_EVENT_STARTED, 0);
  one->has_sampled = false;
}

static int open_line(void) {
  int master, slave;
  char name[64];
  struct termios raw;
  if (openpty(&master, &slave, name, NULL, NULL) != 0 || tcgetattr(slave, &raw) != 0) exit(1);
  cfmakeraw(&raw);
  tcsetattr(slave, TCSANOW, &raw);
  fcntl(master, F_SETFL, O_NONBLOCK);
  printf("ready %s\n", name);
  fflush(stdout);
  return master;
}

static void obey(const char *order) {
  int number, ms;
  if (sscanf(order, "babble %d %d", &number, &ms) == 2 && number >= 0 && number < count)
    machines[number].babble_ms = ms;
  else if (sscanf(order, "restart %d", &number) == 1 && number >= 0 && number < count)
    restart(&machines[number]);
  else if (strncmp(order, "quit", 4) == 0)
    exit(0);
}

static void live(machine *one) {
  uint32_t now = ticks();
  current = one;
  if (!one->has_sampled || now - one->sampled >= 100u * (uint32_t)fl_interval(&one->node)) {
    int32_t values[FL_VALUES] = {one->energy, 250, FL_ABSENT};
    fl_sample(&one->node, values);
    one->energy++;
    one->sampled = now;
    one->has_sampled = true;
  }
  if (one->babble_ms > 0 && (int32_t)(now - one->babble_next) >= 0) {
    if (write(lines[one->line], one->said, (size_t)one->said_bytes) < 0) return;
    one->babble_next = now + (uint32_t)one->babble_ms / 10u;
  }
}

static void hear(int line) {
  uint8_t bytes[256];
  ssize_t got = read(lines[line], bytes, sizeof bytes);
  for (ssize_t at = 0; at < got; at++)
    for (int i = 0; i < count; i++)
      if (machines[i].line == line) {
        current = &machines[i];
        fl_receive(&machines[i].node, bytes[at]);
      }
}

int main(int argc, char **argv) {
  if (argc != 3 || (count = atoi(argv[1])) < 1 || count > NODES_MAX) return 2;
  bool shared = strcmp(argv[2], "shared") == 0;
  int line_count = shared ? 1 : count;
  struct pollfd polled[NODES_MAX + 1];
  for (int i = 0; i < line_count; i++) lines[i] = open_line();
  for (int i = 0; i < count; i++) {
    machines[i].line = shared ? 0 : i;
    machines[i].energy = i * 1000;
    memset(machines[i].storage, 0xff, STORAGE);
    restart(&machines[i]);
  }
  for (int i = 0; i < line_count; i++) polled[i] = (struct pollfd){.fd = lines[i], .events = POLLIN};
  polled[line_count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
  for (;;) {
    char order[128];
    if (poll(polled, (nfds_t)(line_count + 1), LOOK_MS) < 0) return 1;
    if (polled[line_count].revents && !fgets(order, sizeof order, stdin)) return 0;
    if (polled[line_count].revents) obey(order);
    for (int i = 0; i < line_count; i++)
      if (polled[i].revents & POLLIN) hear(i);
    for (int i = 0; i < count; i++) live(&machines[i]);
  }
}
