import { crcXmodem } from "../field-link/check.ts";

/**
 * SMP over a serial console (Zephyr, "SMP Transport Specification", UART/serial and console): a packet is its length,
 * itself and CRC-16/XMODEM, in base64, in lines of at most 127 bytes that begin with 06 09, and 04 14 where they go on.
 * Whatever else the console prints stands between such lines and is not read.
 */
const FIRST = "\x06\x09";
const NEXT = "\x04\x14";
const LINE_MAX = 127;
/** Marks and line feed. */
const BASE64_MAX = LINE_MAX - 3;
/** The longest packet: 16 bits of length. */
export const PACKET_MAX = 65_533;

/** The lines of a packet. Throws RangeError where it is longer than `PACKET_MAX`. */
export function smpLines(packet: Uint8Array): Uint8Array {
  if (packet.length > PACKET_MAX) throw new RangeError(`an SMP packet of ${packet.length} bytes is too long`);
  const crc = crcXmodem(packet);
  const length = packet.length + 2;
  const text = Buffer.concat([
    Buffer.of(length >> 8, length & 0xff),
    packet,
    Buffer.of(crc >> 8, crc & 0xff),
  ]).toString("base64");
  // Whole groups of four in each line, as every reader expects.
  const pieces = text.match(new RegExp(`.{1,${BASE64_MAX - (BASE64_MAX % 4)}}`, "g")) ?? [];
  return Buffer.from(pieces.map((piece, i) => `${i === 0 ? FIRST : NEXT}${piece}\n`).join(""), "latin1");
}

/** Takes bytes of a console, gives the packets in them. It holds one packet at most. */
export function openSmpReader(): { push(bytes: Uint8Array): Uint8Array[] } {
  let line = "";
  let text: string | undefined;
  const take = (): Uint8Array | undefined => {
    const start = line.slice(0, 2);
    if (start === FIRST) text = line.slice(2);
    else if (start === NEXT && text !== undefined) text += line.slice(2);
    else return undefined;
    const whole = packetIn(Buffer.from(text, "base64"));
    if (whole !== "more") text = undefined;
    return whole === "more" ? undefined : whole;
  };
  return {
    push(bytes) {
      const found: Uint8Array[] = [];
      for (const char of Buffer.from(bytes).toString("latin1")) {
        if (char !== "\n") {
          // A console prints longer lines; they are none of ours.
          if (line.length <= LINE_MAX) line += char;
          continue;
        }
        const packet = take();
        if (packet) found.push(packet);
        line = "";
      }
      return found;
    },
  };
}

/** The packet that a length begins; "more" where lines are missing, undefined where it is damaged. */
function packetIn(bytes: Uint8Array): Uint8Array | "more" | undefined {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) return "more";
  const end = 2 + high * 256 + low;
  if (bytes.length < end) return "more";
  const checked = bytes.subarray(2, end);
  return checked.length >= 2 && crcXmodem(checked) === 0 ? checked.subarray(0, -2) : undefined;
}
