import { describe, expect, it } from "vitest";
import { CONNECT_BYTES_MAX, IN_HAND_MAX, PacketGuard } from "./guard.ts";

/** Headers by hand from MQTT 3.1.1: first byte table 2.1, remaining length section 2.2.3 and its table 2.4. */
const connect = [0x10, 0x00];
const header = (first: number, ...length: number[]): number[] => [first, ...length];
const body = (bytes: number): number[] => new Array<number>(bytes).fill(0);

/** Why the guard ends a connection that sends these bytes, if it does. */
function refusal(guard: PacketGuard, bytes: readonly number[] | Uint8Array): string | undefined {
  const all = Uint8Array.from(bytes);
  for (let at = 0; at < all.length && guard.refusal === undefined;) at += guard.take(all.subarray(at));
  return guard.refusal;
}

describe("the packet guard", () => {
  it.each([
    ["CONNECT alone", connect],
    ["PINGREQ after CONNECT", [...connect, 0xc0, 0x00]],
    ["a body of the largest size", [...connect, ...header(0x30, 0xe8, 0x07), ...body(1000)]],
    ["a packet after a body", [...connect, 0x30, 0x02, 1, 2, 0xc0, 0x00]],
    [
      "a body that looks like a huge header",
      [...connect, 0x30, 0x05, 0x30, 0xff, 0xff, 0xff, 0x7f, 0xc0, 0x00],
    ],
  ])("lets %s pass, whole or byte by byte", (_, bytes) => {
    expect(refusal(new PacketGuard(1000), bytes)).toBeUndefined();
    const slow = new PacketGuard(1000);
    expect(bytes.map((byte) => refusal(slow, [byte])).filter(Boolean)).toEqual([]);
  });

  it.each([
    ["a PUBLISH before CONNECT", [0x30, 0x02], /not CONNECT/],
    ["HTTP", [...Buffer.from("GET / HTTP/1.1")], /not CONNECT/],
    ["a body one byte too large (1001 = e9 07)", [...connect, ...header(0x30, 0xe9, 0x07)], /1001 bytes/],
    ["a length of five bytes", [...connect, 0x30, 0x80, 0x80, 0x80, 0x80], /malformed/],
    ["a CONNECT of 2 MB (80 80 80 01 = 2 097 152)", header(0x10, 0x80, 0x80, 0x80, 0x01), /over 16384/],
  ])("ends %s", (_, bytes, reason) => {
    expect(refusal(new PacketGuard(1000), bytes)).toMatch(reason);
    const slow = new PacketGuard(1000);
    expect(bytes.map((byte) => refusal(slow, [byte])).find(Boolean)).toMatch(reason);
  });

  it("gives CONNECT a cap of its own, however small or large packets may be later", () => {
    // 16384 = 80 80 01
    const largest = Uint8Array.from([...header(0x10, 0x80, 0x80, 0x01), ...body(CONNECT_BYTES_MAX)]);
    expect(refusal(new PacketGuard(10), largest)).toBeUndefined();
  });

  it("lets so many packets through at a time, and stops between two", () => {
    // PINGREQ is two bytes (section 3.12).
    const pings = Uint8Array.from([...connect, ...new Array(IN_HAND_MAX).fill([0xc0, 0x00]).flat()]);
    const guard = new PacketGuard(1000);
    expect(guard.take(pings)).toBe(2 * IN_HAND_MAX);
    expect(guard.inPacket).toBe(false);
    expect(guard.take(pings.subarray(2 * IN_HAND_MAX))).toBe(2);
  });
});
