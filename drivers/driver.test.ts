import { describe, expect, it } from "vitest";
import { busOf, type Connection } from "./driver.ts";

const tcp = (host: string, port = 502): Connection => ({ kind: "modbus-tcp", host, port, unit: 1 });
const rtu = (path: string): Connection => ({
  kind: "modbus-rtu",
  path,
  baudRate: 9_600,
  parity: "none",
  stopBits: 1,
  unit: 1,
});

describe("one physical bus", () => {
  it.each<[string, Connection, Connection]>([
    ["another unit", tcp("10.0.0.7"), { ...tcp("10.0.0.7"), unit: 9 } as Connection],
    ["capital letters (RFC 4343)", tcp("inverter.lan"), tcp("Inverter.LAN")],
    ["the root's dot", tcp("inverter.lan"), tcp("inverter.lan.")],
    ["an IPv6 address in brackets", tcp("fe80::1"), tcp("[FE80::1]")],
    ["localhost", tcp("localhost"), tcp("127.0.0.1")],
    ["spaces", tcp("10.0.0.7"), tcp(" 10.0.0.7 ")],
  ])("has one name: %s", (_what, one, other) => {
    expect(busOf(other)).toBe(busOf(one));
  });

  it.each<[string, Connection, Connection]>([
    ["another port", tcp("10.0.0.7", 502), tcp("10.0.0.7", 503)],
    ["another host", tcp("10.0.0.7"), tcp("10.0.0.8")],
    [
      "datagrams instead of a stream",
      tcp("10.0.0.7", 8899),
      { kind: "modbus-udp", host: "10.0.0.7", port: 8899, unit: 247 },
    ],
    ["another adapter", rtu("/dev/ttyUSB0"), rtu("/dev/ttyUSB1")],
  ])("is not another one's: %s", (_what, one, other) => {
    expect(busOf(other)).not.toBe(busOf(one));
  });

  it("is what the names of a serial port lead to", () => {
    const real = (path: string) => (path === "/dev/serial/by-id/usb-FTDI" ? "/dev/ttyUSB0" : path);
    expect(busOf(rtu("/dev/serial/by-id/usb-FTDI"), real)).toBe(busOf(rtu("/dev/ttyUSB0"), real));
  });
});
