import { timingSafeEqual } from "node:crypto";
import { crcXmodem, sipHash } from "./check.ts";
import { cobsDecode, cobsEncode } from "./cobs.ts";

/** Messages of the field link; docs/field-link.md is the law. */
export const TYPES = {
  HELLO: 1,
  TIME: 2,
  SAMPLE: 3,
  ACK: 4,
  BACKLOG: 5,
  CONFIG: 6,
  EVENT: 7,
  UPDATE: 8,
} as const;
export type MessageType = keyof typeof TYPES;

const NAMES = new Map<number, MessageType>(
  (Object.entries(TYPES) as [MessageType, number][]).map(([name, number]) => [number, name]),
);

/** One frame, before its MAC, CRC and stuffing. */
export interface Frame {
  readonly type: MessageType;
  readonly fromGateway: boolean;
  /** Of a request; its answer has the same. */
  readonly sequence: number;
  /** The node's number, 1 to 2^32 - 1; 0 is a node that is being given one. */
  readonly node: number;
  readonly body: Uint8Array;
}

/** What signs the frames of one conversation: the node's key, and what both sides know of this conversation alone. */
export interface Signature {
  readonly key: Uint8Array;
  readonly context: Uint8Array;
}

export const VERSION = 1;
/** Bytes on the wire, the zero at the end included. */
export const FRAME_MAX = 128;
export const NO_KEY = new Uint8Array(16);
export const NO_CONTEXT = new Uint8Array(16);
const FROM_GATEWAY = 0x80;
const HEADER = 10;
const MAC = 8;
const CRC = 2;
/** COBS adds a byte, and the zero ends the frame. */
export const BODY_MAX = FRAME_MAX - 2 - HEADER - MAC - CRC;

/** The bytes of a frame for the wire. Throws RangeError where its body is longer than `BODY_MAX`. */
export function encodeFrame({ type, fromGateway, sequence, node, body }: Frame, by: Signature): Uint8Array {
  if (body.length > BODY_MAX) throw new RangeError(`a body of ${body.length} bytes is too long`);
  const header = Buffer.alloc(HEADER);
  header[0] = VERSION;
  header[1] = TYPES[type] | (fromGateway ? FROM_GATEWAY : 0);
  header.writeUInt32BE(sequence, 2);
  header.writeUInt32BE(node, 6);
  const signed = Buffer.concat([header, body, sipHash(by.key, by.context, header, body)]);
  const crc = crcXmodem(signed);
  return Buffer.concat([cobsEncode(Buffer.concat([signed, Buffer.of(crc >> 8, crc & 0xff)])), Buffer.of(0)]);
}

/** A frame whose CRC fits. Who sent it is known only when `isSignedBy` says so. */
export interface ReceivedFrame extends Frame {
  isSignedBy(signature: Signature): boolean;
}

/** The frame in the bytes before a zero; undefined where there is none that is whole. */
export function decodeFrame(stuffed: Uint8Array): ReceivedFrame | undefined {
  if (stuffed.length >= FRAME_MAX) return undefined;
  const plain = Buffer.from(cobsDecode(stuffed) ?? []);
  if (plain.length < HEADER + MAC + CRC || crcXmodem(plain) !== 0 || plain[0] !== VERSION) return undefined;
  const kind = plain[1] ?? 0;
  const type = NAMES.get(kind & ~FROM_GATEWAY);
  if (!type) return undefined;
  const end = plain.length - MAC - CRC;
  const mac = plain.subarray(end, end + MAC);
  return {
    type,
    fromGateway: (kind & FROM_GATEWAY) !== 0,
    sequence: plain.readUInt32BE(2),
    node: plain.readUInt32BE(6),
    body: Uint8Array.from(plain.subarray(HEADER, end)),
    isSignedBy: ({ key, context }) => timingSafeEqual(mac, sipHash(key, context, plain.subarray(0, end))),
  };
}
