/**
 * MQTT 3.1.1 as it is read off a wire, for a checker that trusts nobody: no code of the gateway, nor of its MQTT
 * library. Section 2.2: a byte with the type and flags, the remaining length in 7 bits a byte, the rest.
 */
export interface Packet {
  /** Where its first byte came: the number of the event that brought it. */
  readonly at: number;
  /** Section 2.2.1: 1 CONNECT, 3 PUBLISH, 4 PUBACK, 8 SUBSCRIBE, 12 PINGREQ, 14 DISCONNECT. */
  readonly type: number;
  readonly flags: number;
  /** The length that it says it has. */
  readonly length: number;
  /** What there is of it. */
  readonly body: Buffer;
  /** False for the last one of a connection that was cut: some of its bytes never left. */
  readonly whole: boolean;
}

export interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

/** A remaining length has at most four bytes. */
const LENGTH_BYTES_MAX = 4;

/** The packets of one connection, in order. */
export function packetsOf(pieces: readonly Piece[]): Packet[] {
  const stream = Buffer.concat(pieces.map(({ bytes }) => bytes));
  const cameAt = arrivals(pieces);
  const packets: Packet[] = [];
  for (let start = 0; start < stream.length;) {
    const first = stream[start] ?? 0;
    const length = remainingLength(stream, start + 1);
    const from = start + 1 + (length?.bytes ?? 0);
    const end = from + (length?.value ?? stream.length);
    const body = stream.subarray(from, end);
    packets.push({
      ...{ at: cameAt(start), type: first >> 4, flags: first & 0x0f },
      ...{ length: length?.value ?? 0, body, whole: length !== undefined && end <= stream.length },
    });
    start = end;
  }
  return packets;
}

/** Which event brought the byte at an offset; asked for offsets that only grow. */
function arrivals(pieces: readonly Piece[]): (offset: number) => number {
  let [index, end] = [0, pieces[0]?.bytes.length ?? 0];
  return (offset) => {
    while (offset >= end && index < pieces.length - 1) end += pieces[++index]?.bytes.length ?? 0;
    return pieces[index]?.at ?? 0;
  };
}

function remainingLength(stream: Buffer, from: number): { value: number; bytes: number } | undefined {
  let value = 0;
  for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
    const byte = stream[from + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return { value, bytes: i + 1 };
  }
  return undefined;
}

/** Topic and payload of a PUBLISH (section 3.3); the payload is what there is of it. */
export function publishOf({ flags, body }: Packet): { readonly topic: string; readonly payload: Buffer } {
  const length = body.length >= 2 ? body.readUInt16BE(0) : 0;
  // A packet identifier stands only where the quality of service is above 0.
  const from = 2 + length + ((flags & 0x06) > 0 ? 2 : 0);
  return { topic: body.subarray(2, 2 + length).toString("utf8"), payload: body.subarray(from) };
}
