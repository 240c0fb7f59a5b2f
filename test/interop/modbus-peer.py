"""A Modbus server by pymodbus, with the registers of an SDM120 packed by struct, and a pump behind coil 3.

Arguments: the map (whole or sparse), then the framing: tcp, rtu-over-tcp, or rtu and the path of a serial port. Prints
its TCP port (0 for a serial port), then serves.
"""

import logging
import socket
import struct
import sys

from pymodbus.datastore import (
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
    ModbusSparseDataBlock,
)
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.server import StartSerialServer, StartTcpServer

VALUES = {
    0x0000: 229.7,
    0x0006: 4.75,
    0x000C: -1091.5,
    0x0012: 1100.25,
    0x0018: 12.5,
    0x001E: 0.99,
    0x0046: 49.98,
    0x0048: 1234.567,
    0x004A: 89.125,
    0x004C: 1.5,
    0x004E: 2.25,
}

# An exception reply is a part of the test, not news.
logging.disable(logging.CRITICAL)

sparse = len(sys.argv) > 1 and sys.argv[1] == "sparse"
registers = {} if sparse else {address: 0 for address in range(0x60)}
for address, value in VALUES.items():
    registers[address], registers[address + 1] = struct.unpack(">HH", struct.pack(">f", value))

inputs = ModbusSparseDataBlock(registers)


class Pump(ModbusSequentialDataBlock):
    """While coil 3 is on the meter shows what the pump draws, W."""

    def setValues(self, address, values):
        super().setValues(address, values)
        power = 750.5 if self.getValues(3, 1)[0] else VALUES[0x000C]
        inputs.setValues(0x000C, list(struct.unpack(">HH", struct.pack(">f", power))))


slave = ModbusSlaveContext(ir=inputs, co=Pump(0, [False] * 8), zero_mode=True)
context = ModbusServerContext(slaves=slave, single=True)
framing = sys.argv[2] if len(sys.argv) > 2 else "tcp"

if framing == "rtu":
    print(0, flush=True)
    StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[3], baudrate=115200)
else:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(port, flush=True)
    framer = ModbusRtuFramer if framing == "rtu-over-tcp" else ModbusSocketFramer
    StartTcpServer(context=context, framer=framer, address=("127.0.0.1", port))
