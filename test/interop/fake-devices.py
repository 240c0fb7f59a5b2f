"""Reads registers of Fieldwatt's fakes with clients that are not ours: pymodbus, and libmodbus through ctypes.

Arguments: a library, an address (tcp PORT or a serial path), then UNIT:TABLE:ADDRESS:COUNT … Prints JSON, a list of
register lists.
"""

import ctypes
import json
import sys

library, kind, where, *requests = sys.argv[1:]
wanted = [(int(u), t, int(a), int(c)) for u, t, a, c in (request.split(":") for request in requests)]


def with_pymodbus():
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient

    if kind == "tcp":
        client = ModbusTcpClient("127.0.0.1", port=int(where))
    else:
        client = ModbusSerialClient(where, baudrate=9600, timeout=2)
    assert client.connect()
    for unit, table, at, count in wanted:
        read = client.read_input_registers if table == "input" else client.read_holding_registers
        reply = read(at, count, slave=unit)
        yield ["exception", reply.exception_code] if reply.isError() else reply.registers
    client.close()


def with_libmodbus():
    lib = ctypes.CDLL("libmodbus.so.5")
    lib.modbus_new_tcp.restype = ctypes.c_void_p
    lib.modbus_new_rtu.restype = ctypes.c_void_p
    if kind == "tcp":
        context = ctypes.c_void_p(lib.modbus_new_tcp(b"127.0.0.1", int(where)))
    else:
        context = ctypes.c_void_p(lib.modbus_new_rtu(where.encode(), 9600, ctypes.c_char(b"N"), 8, 1))
    lib.modbus_set_response_timeout(context, 2, 0)
    assert lib.modbus_connect(context) == 0
    for unit, table, at, count in wanted:
        lib.modbus_set_slave(context, unit)
        words = (ctypes.c_uint16 * count)()
        read = lib.modbus_read_input_registers if table == "input" else lib.modbus_read_registers
        got = read(context, at, count, words)
        yield list(words) if got == count else ["error", got]
    lib.modbus_close(context)


print(json.dumps(list(with_pymodbus() if library == "pymodbus" else with_libmodbus())))
