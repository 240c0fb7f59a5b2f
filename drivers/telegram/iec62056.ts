import { evenParity } from "./line-bits.ts";
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
const LONGEST = 12_288;
/** "/", three letters, baud rate and at most 16 characters of identification, in practice a little more. */
const MAX_LINE = 64;

function find(raw: Uint8Array, final: boolean): Found {
  for (let at = 0; at < raw.length; at++) {
    const byte = at7(raw, at);
    if (byte === STX || byte === SOH) return blockAt(raw, at, final);
    if (byte !== SLASH) continue;
    const found = lineAt(raw, at, final);
    if (found) return found;
  }
  return { kind: "wait", from: raw.length };
}

/** A character without its parity, or undefined behind the end. */
const at7 = (raw: Uint8Array, at: number): number | undefined => {
  const byte = raw[at];
  return byte === undefined ? undefined : byte & 0x7f;
};

const damaged = (
  from: number,
  resume: number,
  code: "checksum" | "truncated" | "malformed",
  detail: string,
): Found => ({ kind: "damaged", from, resume, problem: { code, detail } });

/** A block from SOH or STX on; a command has a STX of its own behind its SOH. */
function blockAt(raw: Uint8Array, at: number, final: boolean): Found {
  let end = at + 1;
  let bcc = 0;
  for (; end < raw.length; end++) {
    const byte = at7(raw, end) ?? 0;
    bcc ^= byte;
    if (byte === SOH || (byte === STX && at7(raw, at) === STX))
      return damaged(at, end, "truncated", "a block ends where the next one begins");
    if (byte === ETX || byte === EOT) break;
  }
  if (end + 1 >= raw.length)
    return final ? damaged(at, at + 1, "truncated", "the last block has no end") : { kind: "wait", from: at };
  if (bcc !== at7(raw, end + 1))
    return damaged(at, at + 1, "checksum", "the block check character is wrong; the block is left out");
  if (!parityFits(raw.subarray(at, end + 2)))
    return damaged(at, at + 1, "checksum", "a character's parity is wrong; the block is left out");
  return { kind: "frame", from: at, to: end + 2 };
}

/** Where any character carries its parity, all of them must. */
function parityFits(raw: Uint8Array): boolean {
  if (raw.every((byte) => byte < 0x80)) return true;
  return raw.every((byte) => evenParity(byte & 0x7f) === byte);
}

/** A line from "/": a request, a sign-on, or the head of a mode D telegram. Undefined where it is neither. */
function lineAt(raw: Uint8Array, at: number, final: boolean): Found | undefined {
  const line = raw.subarray(at, at + MAX_LINE).map((byte) => byte & 0x7f);
  const length = line.indexOf(LF);
  if (length < 0) return line.length < MAX_LINE && !final ? { kind: "wait", from: at } : undefined;
  if (line.subarray(0, length).some((byte) => byte < 0x20 && byte !== CR)) return undefined;
  const from = at + length + 1;
  const next = at7(raw, from);
  const sign: Found = { kind: "frame", from: at, to: from };
  if (line[1] === QUESTION) return sign;
  if (next === undefined) return final ? sign : { kind: "wait", from: at };
  return isText(next) && next !== SLASH ? pushAt(raw, { at, from, final }) : sign;
}

const isText = (byte: number): boolean => byte === CR || byte === LF || (byte >= 0x20 && byte < 0x7f);

/** A mode D telegram: text only, up to a "!" that begins its line. */
function pushAt(raw: Uint8Array, { at, from, final }: { at: number; from: number; final: boolean }): Found {
  for (let index = from; index < raw.length; index++) {
    const byte = at7(raw, index) ?? 0;
    if (!isText(byte))
      return damaged(at, index, "malformed", "a readout has no check and is no mode D telegram");
    if (byte !== BANG || at7(raw, index - 1) !== LF) continue;
    let to = index + 1;
    while (isLineEnd(at7(raw, to))) to += 1;
    // A block whose beginning was lost ends so; what a check was made for is not believed without it.
    if (at7(raw, to) === ETX) return damaged(at, to + 1, "checksum", "a block has an end and no beginning");
    if (raw[index + 1] === undefined && !final) break;
    return { kind: "frame", from: at, to };
  }
  if (!final) return { kind: "wait", from: at };
  return damaged(at, raw.length, "truncated", "the last telegram has no end");
}

const isLineEnd = (byte: number | undefined): boolean => byte === CR || byte === LF;

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
