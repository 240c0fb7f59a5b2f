import { createHash, sign, verify, type KeyObject } from "node:crypto";
import { FieldwattError } from "../domain/model/index.ts";
import { publicKeyFromText, publicKeyToText } from "./keys.ts";

/**
 * Signed notes (c2sp.org/signed-note): a text, an empty line, and signature lines that name who signed. One signature
 * covers the text with its last line break. Lines of keys that are not known are passed over, so that anybody may add
 * a line without harm.
 *
 *     — NAME base64(4 bytes of key id || signature)
 */
export const ED25519 = 0x01;
/** Ed25519 over a time and the text: a witness saw this tree grow (c2sp.org/tlog-cosignature). */
export const COSIGNATURE = 0x04;
type KeyType = typeof ED25519 | typeof COSIGNATURE;

const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
const TIME_BYTES = 8;
/** A note larger than this is refused unread. */
export const NOTE_BYTES_MAX = 64 * 1024;
/** More signatures than this on one note are refused: each costs a verification. */
const SIGNATURES_MAX = 100;

/** A key under the name by which it signs. */
export interface NoteKey {
  readonly name: string;
  readonly type: KeyType;
  readonly publicKey: KeyObject;
}

export interface NoteSigner extends NoteKey {
  readonly privateKey: KeyObject;
}

export interface NoteLine {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends with a line break. */
  readonly text: string;
  readonly lines: readonly NoteLine[];
}

/** A signature of a known key that holds; `time` in ms where it is a cosignature. */
export interface Verified {
  readonly key: NoteKey;
  readonly time?: number;
}

const rawKey = (key: KeyObject): Buffer => Buffer.from(publicKeyToText(key), "base64url");

/** SHA-256(name || "\n" || type || public key), its first 4 bytes. */
export const keyIdOf = ({ name, type, publicKey }: NoteKey): Buffer =>
  createHash("sha256")
    .update(`${name}\n`)
    .update(Uint8Array.of(type))
    .update(rawKey(publicKey))
    .digest()
    .subarray(0, KEY_ID_BYTES);

/** The key as one word that can be printed and typed: NAME+KEYID+base64(type || key). */
export const verifierKeyToText = (key: NoteKey): string =>
  [
    key.name,
    keyIdOf(key).toString("hex"),
    Buffer.concat([Uint8Array.of(key.type), rawKey(key.publicKey)]).toString("base64"),
  ].join("+");

/** @throws FieldwattError KEY_INVALID */
export function verifierKeyFromText(text: string): NoteKey {
  // base64 may hold a plus, names and ids may not.
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  const bytes = bytesOf(match?.[3] ?? "");
  const type = bytes?.[0];
  if (!match || !bytes || bytes.length !== 33 || (type !== ED25519 && type !== COSIGNATURE))
    throw new FieldwattError(
      "KEY_INVALID",
      "This is not a key in the form NAME+ID+KEY of c2sp.org/signed-note",
    );
  const publicKey = publicKeyFromText(bytes.subarray(1).toString("base64url"));
  const key: NoteKey = { name: String(match[1]), type, publicKey };
  if (keyIdOf(key).toString("hex") !== match[2])
    throw new FieldwattError("KEY_INVALID", `The id ${match[2]} does not belong to this key and name`);
  return key;
}

/** Base64 as it is written once and no other way: the last character holds bits that Node would pass over. */
function bytesOf(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes : undefined;
}

/** The line that `signer` adds under `text`. @param time of a cosignature, ms */
export function signNote(text: string, signer: NoteSigner, time?: number): NoteLine {
  const keyId = keyIdOf(signer);
  if (signer.type === ED25519)
    return { name: signer.name, keyId, signature: sign(null, Buffer.from(text), signer.privateKey) };
  if (time === undefined) throw new RangeError("a cosignature needs a time");
  const seconds = Math.floor(time / 1000);
  const stamp = Buffer.alloc(TIME_BYTES);
  stamp.writeBigUInt64BE(BigInt(seconds));
  const signature = sign(null, cosigned(text, BigInt(seconds)), signer.privateKey);
  return { name: signer.name, keyId, signature: Buffer.concat([stamp, signature]) };
}

const cosigned = (text: string, seconds: bigint): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);

export const noteToText = ({ text, lines }: Note): string =>
  `${text}\n${lines.map(({ name, keyId, signature }) => `— ${name} ${Buffer.concat([keyId, signature]).toString("base64")}\n`).join("")}`;

/** @throws FieldwattError MESSAGE_INVALID, MESSAGE_TOO_LARGE; the signatures are not looked at */
export function noteFromText(source: string): Note {
  if (Buffer.byteLength(source) > NOTE_BYTES_MAX)
    throw new FieldwattError("MESSAGE_TOO_LARGE", `A note has at most ${NOTE_BYTES_MAX} bytes`);
  // The last empty line: the text itself may hold some.
  const split = source.lastIndexOf("\n\n");
  const lines = source.slice(split + 2).split("\n");
  if (split < 0 || lines.pop() !== "" || lines.length === 0 || lines.length > SIGNATURES_MAX) throw noNote();
  return { text: source.slice(0, split + 1), lines: lines.map(lineOf) };
}

function lineOf(line: string): NoteLine {
  const match = /^— ([^+\s]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
  const bytes = bytesOf(match?.[2] ?? "");
  if (!match || !bytes || bytes.length <= KEY_ID_BYTES) throw noNote();
  return {
    name: String(match[1]),
    keyId: bytes.subarray(0, KEY_ID_BYTES),
    signature: bytes.subarray(KEY_ID_BYTES),
  };
}

const noNote = (): FieldwattError =>
  new FieldwattError("MESSAGE_INVALID", "This is not a signed note: a text, an empty line, signature lines");

/**
 * The known keys that signed. A line of a known key that does not hold makes the whole note bad: somebody changed
 * the text or the line.
 *
 * @throws FieldwattError SIGNATURE_INVALID
 */
export function verifyNote({ text, lines }: Note, keys: readonly NoteKey[]): Verified[] {
  return lines.flatMap((line) => {
    const key = keys.find(
      (candidate) => candidate.name === line.name && keyIdOf(candidate).equals(Buffer.from(line.keyId)),
    );
    return key ? [verifyLine(text, line, key)] : [];
  });
}

function verifyLine(text: string, { signature }: NoteLine, key: NoteKey): Verified {
  const bytes = Buffer.from(signature);
  const stampBytes = key.type === COSIGNATURE ? TIME_BYTES : 0;
  const seconds = stampBytes > 0 && bytes.length >= TIME_BYTES ? bytes.readBigUInt64BE() : 0n;
  const message = key.type === COSIGNATURE ? cosigned(text, seconds) : Buffer.from(text);
  const holds =
    bytes.length === stampBytes + SIGNATURE_BYTES &&
    verify(null, message, key.publicKey, bytes.subarray(stampBytes));
  if (!holds) throw new FieldwattError("SIGNATURE_INVALID", `The signature of ${key.name} does not hold`);
  return { key, ...(key.type === COSIGNATURE && { time: Number(seconds) * 1000 }) };
}
