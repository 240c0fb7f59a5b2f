/**
 * A meter in front of the MQTT parser, which would hold a packet of 256 MB in memory before anyone could object.
 * It follows the stream by fixed headers alone (MQTT 3.1.1, section 2.2), says why a connection must end, and lets
 * through only so many packets at a time.
 */

/** A CONNECT carries ids, a password and perhaps a will; nobody who is unknown gets more memory than this. */
export const CONNECT_BYTES_MAX = 16 * 1024;
/** Packets of one connection that the broker has in hand at a time; the next are taken when these are done. */
export const IN_HAND_MAX = 256;

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
  private reason: string | undefined;
  private complete = 0;

  constructor(packetBytesMax: number) {
    this.packetBytesMax = packetBytesMax;
  }

  /** Why the connection must end, once it must. */
  get refusal(): string | undefined {
    return this.reason;
  }

  /** Whether a packet has begun and is not complete. */
  get inPacket(): boolean {
    return this.inLength || this.body > 0;
  }

  /** Packets that were complete. */
  get whole(): number {
    return this.complete;
  }

  /** Follows the next bytes up to `IN_HAND_MAX` complete packets; returns how many bytes that were. */
  take(bytes: Uint8Array): number {
    let at = 0;
    for (let packets = 0; at < bytes.length && packets < IN_HAND_MAX && this.reason === undefined;) {
      if (this.body > 0) {
        const step = Math.min(this.body, bytes.length - at);
        this.body -= step;
        at += step;
      } else this.header(Number(bytes[at++]));
      if (this.inPacket || this.reason !== undefined) continue;
      packets++;
      this.complete++;
    }
    return at;
  }

  private header(byte: number): void {
    if (this.inLength) return this.lengthByte(byte);
    if (!this.greeted && byte >> 4 !== CONNECT) {
      this.reason = "its first packet is not CONNECT";
      return;
    }
    this.inLength = true;
    this.length = 0;
    this.shift = 0;
  }

  private lengthByte(byte: number): void {
    this.length += (byte & 0x7f) << this.shift;
    this.shift += 7;
    const max = this.greeted ? this.packetBytesMax : CONNECT_BYTES_MAX;
    if (this.length > max) this.reason = `it announced a packet of ${this.length} bytes or more, over ${max}`;
    else if ((byte & 0x80) === 0) {
      this.inLength = false;
      this.greeted = true;
      this.body = this.length;
    } else if (this.shift > LENGTH_SHIFT_MAX) this.reason = "a packet's length is malformed";
  }
}
