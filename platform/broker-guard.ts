/**
 * A meter in front of the MQTT parser, which would hold a packet of 256 MB in memory before anyone could object.
 * It follows the stream by fixed headers alone (MQTT 3.1.1, section 2.2) and says why a connection must end.
 */

/** A CONNECT carries ids, a password and perhaps a will; nobody who is unknown gets more memory than this. */
export const CONNECT_BYTES_MAX = 16 * 1024;

const CONNECT = 1;
/** A remaining length has at most four bytes (section 2.2.3). */
const LENGTH_SHIFT_MAX = 21;

export class PacketGuard {
  private readonly packetBytesMax: number;
  private greeted = false;
  /** Bytes of the packet's body that are still to come. */
  private body = 0;
  private inLength = false;
  private length = 0;
  private shift = 0;

  constructor(packetBytesMax: number) {
    this.packetBytesMax = packetBytesMax;
  }

  /** Follows the next bytes of the connection; returns the reason to end it, or undefined. */
  refusal(bytes: Uint8Array): string | undefined {
    for (let at = 0; at < bytes.length;) {
      if (this.body > 0) {
        const step = Math.min(this.body, bytes.length - at);
        this.body -= step;
        at += step;
        continue;
      }
      const reason = this.header(Number(bytes[at++]));
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  private header(byte: number): string | undefined {
    if (this.inLength) return this.lengthByte(byte);
    if (!this.greeted && byte >> 4 !== CONNECT) return "its first packet is not CONNECT";
    this.inLength = true;
    this.length = 0;
    this.shift = 0;
    return undefined;
  }

  private lengthByte(byte: number): string | undefined {
    this.length += (byte & 0x7f) << this.shift;
    this.shift += 7;
    const max = this.greeted ? this.packetBytesMax : CONNECT_BYTES_MAX;
    if (this.length > max) return `it announced a packet of ${this.length} bytes or more, over ${max}`;
    if ((byte & 0x80) === 0) {
      this.inLength = false;
      this.greeted = true;
      this.body = this.length;
      return undefined;
    }
    return this.shift > LENGTH_SHIFT_MAX ? "a packet's length is malformed" : undefined;
  }
}
