import { dataSets, latin1, measured, obisValue } from "./objects.ts";
import { decodeObis } from "./obis.ts";
import type { Found } from "./splitter.ts";
import type { Codec, DecodedTelegram } from "./telegram.ts";

/**
 * IEC 62056-21, data readout. Mode C: a block from STX (or SOH) to ETX, and the XOR of what follows STX up to and with
 * ETX (5.4 and annex B). Mode D: an identification line, an empty line and data to "!", without any check. Characters
 * have seven bits and even parity, which may still be in the eighth.
 */
const [SOH, STX, ETX, EOT] = [0x01, 0x02, 0x03, 0x04];
const SLASH = 0x2f;
const BANG = 0x21;
const [CR, LF] = [0x0d, 0x0a];
const QUESTION = 0x3f;
const LONGEST = 16_384;
/** "/", three letters, baud rate and at most 16 characters of identification, in practice a little more. */
const MAX_LINE = 64;

function find(raw: Uint8Array, final: boolean): Found {
  const bytes = raw.map((byte) => byte & 0x7f);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === STX || byte === SOH) return blockAt(raw, bytes, { at, final });
    if (byte !== SLASH) continue;
    const found = lineAt(bytes, at, final);
    if (found) return found;
  }
  return { kind: "wait", from: bytes.length };
}

const damaged = (
  from: number,
  resume: number,
  code: "checksum" | "truncated" | "malformed",
  detail: string,
): Found => ({ kind: "damaged", from, resume, problem: { code, detail } });

function blockAt(raw: Uint8Array, bytes: Uint8Array, { at, final }: { at: number; final: boolean }): Found {
  const begin = bytes.findIndex((byte, index) => index > at && (byte === ETX || byte === EOT));
  const again = bytes.findIndex(
    (byte, index) => index > at && (byte === SOH || (byte === STX && bytes[at] === STX)),
  );
  const end = begin < 0 ? bytes.length : begin;
  if (again > 0 && again < end)
    return damaged(at, again, "truncated", "a block ends where the next one begins");
  if (begin < 0 || begin + 1 >= bytes.length)
    return final ? damaged(at, at + 1, "truncated", "the last block has no end") : { kind: "wait", from: at };
  const bcc = bytes.subarray(at + 1, begin + 1).reduce((sum, byte) => sum ^ byte, 0);
  if (bcc !== bytes[begin + 1])
    return damaged(at, at + 1, "checksum", "the block check character is wrong; the block is left out");
  if (!parityFits(raw.subarray(at, begin + 2)))
    return damaged(at, at + 1, "checksum", "a character's parity is wrong; the block is left out");
  return { kind: "frame", from: at, to: begin + 2 };
}

/** Where any character carries its parity, all of them must. */
function parityFits(raw: Uint8Array): boolean {
  if (raw.every((byte) => byte < 0x80)) return true;
  return raw.every((byte) => evenParity(byte & 0x7f) === byte);
}

/** A character of seven bits with even parity in the eighth. */
export function evenParity(byte: number): number {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones ^= rest & 1;
  return ones ? byte | 0x80 : byte;
}

/** A line from "/": a request, a sign-on, or the head of a mode D telegram. Undefined where it is neither. */
function lineAt(bytes: Uint8Array, at: number, final: boolean): Found | undefined {
  const end = bytes.indexOf(LF, at);
  if (end < 0 || end - at > MAX_LINE)
    return end < 0 && bytes.length - at <= MAX_LINE && !final ? { kind: "wait", from: at } : undefined;
  if (bytes.subarray(at, end).some((byte) => byte < 0x20 && byte !== CR)) return undefined;
  const next = bytes[end + 1];
  const sign: Found = { kind: "frame", from: at, to: end + 1 };
  if (bytes[at + 1] === QUESTION) return sign;
  if (next === undefined) return final ? sign : { kind: "wait", from: at };
  return isText(next) && next !== SLASH ? pushAt(bytes, { at, from: end + 1, final }) : sign;
}

const isText = (byte: number): boolean => byte === CR || byte === LF || (byte >= 0x20 && byte < 0x7f);

/** A mode D telegram: text only, up to a "!" that begins its line. */
function pushAt(bytes: Uint8Array, { at, from, final }: { at: number; from: number; final: boolean }): Found {
  for (let index = from; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    if (!isText(byte))
      return damaged(at, index, "malformed", "a readout has no check and is no mode D telegram");
    if (byte !== BANG || bytes[index - 1] !== LF) continue;
    let to = index + 1;
    while (bytes[to] === CR || bytes[to] === LF) to += 1;
    // A block whose beginning was lost ends so; what a check was made for is not believed without it.
    if (bytes[to] === ETX) return damaged(at, to + 1, "checksum", "a block has an end and no beginning");
    if (bytes[index + 1] === undefined && !final) break;
    return { kind: "frame", from: at, to };
  }
  if (!final) return { kind: "wait", from: at };
  return damaged(at, bytes.length, "truncated", "the last telegram has no end");
}

/** Remembers the sign-on of a meter for the block that follows. */
function decoder(): (frame: Uint8Array) => DecodedTelegram | undefined {
  let signOn: string | undefined;
  return (raw) => {
    const text = latin1(raw.map((byte) => byte & 0x7f));
    if (text.startsWith("/")) {
      const [line = ""] = text.slice(1).split(/[\r\n]/);
      if (!text.includes("(")) {
        signOn = line.startsWith("?") ? undefined : line;
        return undefined;
      }
      return telegram(text.slice(text.indexOf("\n") + 1), { header: line });
    }
    // SOH and a command: what the reader asks has no values.
    if (text.startsWith("\u0001"))
      return { samples: [], problems: [], about: { command: text.slice(1, 3) }, records: [] };
    return telegram(text.slice(1, -2), signOn === undefined ? {} : { header: signOn });
  };
}

const ID = /^(?:0\.0\.0|C\.1\.0|1-0:0\.0\.0\*255|0-0:C\.1\.0\*255|0-0:96\.1\.\d+\*255|0-0:96\.1\.0)$/;

function telegram(text: string, about: Readonly<Record<string, string>>): DecodedTelegram {
  const sets = dataSets(text);
  const id = sets.find(({ code }) => ID.test(code))?.groups[0];
  return {
    ...decodeObis(sets.map(obisValue)),
    about: { ...about, ...(id !== undefined && { id }) },
    records: sets.map(({ code, groups }) => {
      const found = measured(groups[0] ?? "");
      return found && found.unit !== ""
        ? { name: code, value: found.value, unit: found.unit }
        : { name: code, value: groups.join(" ") };
    }),
  };
}

export const iec62056: Codec<unknown> = {
  longest: LONGEST,
  find,
  isFiller: (byte) => byte <= 0x20 || byte >= 0x7f,
  decoder,
};
