/* A Modbus server by libmodbus with the registers of an SDM120, and a pump behind coil 3. Arguments: tcp PORT, or rtu PATH. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(modbus_mapping_t *map, int at, float value) {
  /* Not modbus_set_float_abcd: what it calls abcd differs between versions of the library. */
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  map->tab_input_registers[at] = bits >> 16;
  map->tab_input_registers[at + 1] = bits & 0xffff;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int tcp = strcmp(argv[1], "tcp") == 0;
  modbus_t *bus = tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2])) : modbus_new_rtu(argv[2], 115200, 'N', 8, 1);
  modbus_mapping_t *map = modbus_mapping_new(8, 0, 0, 0x60);
  int listener = -1;
  uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
  put(map, 0x00, 229.7f), put(map, 0x06, 4.75f), put(map, 0x0c, -1091.5f), put(map, 0x12, 1100.25f);
  put(map, 0x18, 12.5f), put(map, 0x1e, 0.99f), put(map, 0x46, 49.98f), put(map, 0x48, 1234.567f);
  put(map, 0x4a, 89.125f), put(map, 0x4c, 1.5f), put(map, 0x4e, 2.25f);
  modbus_set_slave(bus, 1);
  if (tcp ? (listener = modbus_tcp_listen(bus, 4)) < 0 : modbus_connect(bus) < 0) {
    fprintf(stderr, "%s\n", modbus_strerror(errno));
    return 1;
  }
  puts("ready"), fflush(stdout);
  if (tcp) modbus_tcp_accept(bus, &listener);
  for (;;) {
    int length = modbus_receive(bus, request);
    if (length > 0) {
      modbus_reply(bus, request, length, map);
      put(map, 0x0c, map->tab_bits[3] ? 750.5f : -1091.5f);
    }
    else if (length < 0 && tcp) modbus_tcp_accept(bus, &listener);
  }
}
