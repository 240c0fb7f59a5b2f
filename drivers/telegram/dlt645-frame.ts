import { sumOf } from "./mbus-frame.ts";
import type { Found } from "./splitter.ts";

/**
 * DL/T 645-1997 and -2007, clause 5: 68, six address bytes (BCD, low first), 68, control, length, data plus 0x33 a
 * byte, the sum of everything from the first 68 on, 16. FE bytes before a frame wake the other side.
 */
const MARK = 0x68;
const STOP = 0x16;
const SECOND_MARK = 7;
const LENGTH = 9;
const AROUND = 12;
const OFFSET = 0x33;
/** Clause 5.2.4: at most 200 bytes of data in a reply. */
const MAX_DATA = 200;
export const LONGEST_DLT645 = MAX_DATA + AROUND;

export function findDlt645(bytes: Uint8Array, final: boolean): Found {
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    const found = frameAt(bytes, at);
    if (found?.kind === "wait" && final) {
      if (bytes.length - at <= SECOND_MARK) continue;
      const problem = { code: "truncated", detail: "the last frame has no end" } as const;
      return { kind: "damaged", from: at, resume: at + 1, problem };
    }
    if (found) return found;
  }
  return { kind: "wait", from: bytes.length };
}

function frameAt(bytes: Uint8Array, at: number): Found | undefined {
  const mark = bytes[at + SECOND_MARK];
  const length = bytes[at + LENGTH];
  if (mark !== undefined && mark !== MARK) return undefined;
  if (length === undefined) return { kind: "wait", from: at };
  const damaged = (code: "checksum" | "malformed", detail: string): Found => ({
    kind: "damaged",
    from: at,
    resume: at + 1,
    problem: { code, detail },
  });
  if (length > MAX_DATA) return damaged("malformed", `a frame of ${length} data bytes`);
  const end = at + length + AROUND;
  if (end > bytes.length) return { kind: "wait", from: at };
  if (bytes[end - 1] !== STOP) return damaged("malformed", "a frame does not end where its length says");
  return sumOf(bytes.subarray(at, end - 2)) === bytes[end - 2]
    ? { kind: "frame", from: at, to: end }
    : damaged("checksum", "the checksum of a frame is wrong; it is left out");
}

export interface Dlt645Frame {
  /** Twelve digits, the high ones first, as on the meter's plate. */
  readonly address: string;
  readonly control: number;
  /** Without the 0x33 that the wire adds. */
  readonly data: Uint8Array;
}

export const openDlt645 = (frame: Uint8Array): Dlt645Frame => ({
  address: Buffer.from(frame.subarray(1, SECOND_MARK).toReversed()).toString("hex"),
  control: frame[SECOND_MARK + 1] ?? 0,
  data: frame.subarray(LENGTH + 1, -2).map((byte) => (byte - OFFSET) & 0xff),
});

export type Dlt645Edition = "1997" | "2007";

/** Function codes of "read data" (1997: 6.1; 2007: 7.1). */
const READ: Readonly<Record<Dlt645Edition, number>> = { "1997": 0x01, "2007": 0x11 };
export const ANYBODY = "aaaaaaaaaaaa";

/**
 * A request for one data identification, in hex as the standard writes it (`00010000`, `9010`), to a meter's twelve
 * digits or to ANYBODY, which is for a line with one meter.
 */
export function dlt645Request(edition: Dlt645Edition, address: string, item: string): Uint8Array {
  const head = Buffer.from(address.padStart(12, "0"), "hex").toReversed();
  const data = Buffer.from(item, "hex")
    .toReversed()
    .map((byte) => (byte + OFFSET) & 0xff);
  const body = Uint8Array.of(MARK, ...head, MARK, READ[edition], data.length, ...data);
  return Uint8Array.of(0xfe, 0xfe, 0xfe, 0xfe, ...body, sumOf(body), STOP);
}
