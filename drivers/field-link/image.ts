import { createHash, sign, verify, type KeyObject } from "node:crypto";
import { FieldwattError } from "../../domain/model/index.ts";

/**
 * Images in MCUboot's form (mcu-tools/mcuboot, docs/design.md, "Image format"; scripts/imgtool/image.py): a header, the
 * program, protected TLVs, TLVs. The hash is SHA-256 of all before the last TLVs, the signature is Ed25519 of the hash.
 * Nothing of an image is sent to a node before it was verified here.
 */
export interface Image {
  /** `1.2.0`, or `1.2.0+5` where it has a build number. */
  readonly version: string;
  /** Grows with each release: an image with a smaller one than the node's is a roll-back. */
  readonly counter: number;
  /** The hardware that it is for; undefined where the image does not say. */
  readonly hardware: string | undefined;
  readonly sha256: Uint8Array;
  /** The program alone, as a tiny node takes it. */
  readonly program: Uint8Array;
  /** All of it, as MCUboot takes it. */
  readonly bytes: Uint8Array;
}

const MAGIC = 0x96f3b83d;
const HEADER_BYTES = 32;
const TLV_MAGIC = 0x6907;
const PROTECTED_MAGIC = 0x6908;
const TLV = { keyHash: 0x01, sha256: 0x10, ed25519: 0x24, counter: 0x50, hardware: 0xa0 } as const;
const IMAGE_MAX = 4 * 1024 * 1024;
const TLVS_MAX = 32;

const refused = (why: string): FieldwattError => new FieldwattError("UPDATE_REFUSED", `the image ${why}`);

interface Header {
  readonly headerBytes: number;
  readonly programBytes: number;
  readonly protectedBytes: number;
  readonly version: string;
}

/** Throws UPDATE_REFUSED where the bytes do not begin with MCUboot's header. */
export function imageHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) throw refused("is none of MCUboot's");
  const build = view.getUint32(24, true);
  const [major, minor, revision] = [view.getUint8(20), view.getUint8(21), view.getUint16(22, true)];
  return {
    headerBytes: view.getUint16(8, true),
    protectedBytes: view.getUint16(10, true),
    programBytes: view.getUint32(12, true),
    version: `${major}.${minor}.${revision}${build === 0 ? "" : `+${build}`}`,
  };
}

/** The entries of a TLV area that begins with this magic and fills the bytes. Throws UPDATE_REFUSED. */
export function imageTlvs(bytes: Uint8Array, magic = TLV_MAGIC): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0, true) !== magic || view.getUint16(2, true) !== bytes.length)
    throw refused("is cut, or something follows it");
  const found = new Map<number, Uint8Array>();
  for (let at = 4; at < bytes.length;) {
    if (at + 4 > bytes.length || found.size === TLVS_MAX) throw refused("has a damaged list of signatures");
    const [type, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (at + 4 + length > bytes.length || found.has(type)) throw refused("has a damaged list of signatures");
    found.set(type, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** The image, signed by this Ed25519 key. Throws UPDATE_REFUSED with the reason. */
export function verifyImage(bytes: Uint8Array, publicKey: KeyObject): Image {
  if (bytes.length > IMAGE_MAX) throw refused(`has more than ${IMAGE_MAX} bytes`);
  const { headerBytes, programBytes, protectedBytes, version } = imageHeader(bytes);
  const end = headerBytes + programBytes;
  if (headerBytes < HEADER_BYTES || end + protectedBytes > bytes.length) throw refused("is cut");
  const tlvs = imageTlvs(bytes.subarray(end + protectedBytes));
  const sha256 = createHash("sha256")
    .update(bytes.subarray(0, end + protectedBytes))
    .digest();
  if (!sha256.equals(tlvs.get(TLV.sha256) ?? new Uint8Array()))
    throw refused("is damaged: its hash is another");
  const signature = tlvs.get(TLV.ed25519);
  if (!signature) throw refused("is not signed");
  if (!verify(null, sha256, publicKey, signature)) throw refused("is signed by another key");
  const guarded =
    protectedBytes > 0
      ? imageTlvs(bytes.subarray(end, end + protectedBytes), PROTECTED_MAGIC)
      : new Map<number, Uint8Array>();
  const counter = guarded.get(TLV.counter);
  if (counter?.length !== 4) throw refused("has no security counter: sign it with one");
  const hardware = guarded.get(TLV.hardware);
  return {
    version,
    counter: Buffer.from(counter).readUInt32LE(),
    hardware: hardware && Buffer.from(hardware).toString("latin1"),
    sha256,
    program: bytes.subarray(headerBytes, end),
    bytes,
  };
}

/** Throws UPDATE_REFUSED where the image is for other hardware, or older than what the node has. */
export function mustFit(image: Image, node: { readonly hardware: string; readonly counter: number }): void {
  if (image.hardware !== undefined && image.hardware !== node.hardware)
    throw refused(`is for ${image.hardware}, and the node is ${node.hardware}`);
  if (image.counter < node.counter)
    throw refused(`is a roll-back: its security counter is ${image.counter}, the node's is ${node.counter}`);
}

export interface Release {
  /** `1.2.0` */
  readonly version: string;
  readonly counter: number;
  readonly hardware: string;
}

/** An image of a program, signed: what imgtool does for MCUboot. Throws UPDATE_REFUSED for a version that is none. */
export function signImage(
  program: Uint8Array,
  { version, counter, hardware }: Release,
  key: KeyObject,
): Uint8Array {
  const [major, minor, revision] = (/^(\d{1,3})\.(\d{1,3})\.(\d{1,5})$/.exec(version) ?? [])
    .slice(1)
    .map(Number);
  if (major === undefined || minor === undefined || revision === undefined)
    throw refused("needs a version like 1.2.0");
  const counterBytes = Buffer.alloc(4);
  counterBytes.writeUInt32LE(counter);
  const guarded = tlvArea(PROTECTED_MAGIC, [
    [TLV.counter, counterBytes],
    [TLV.hardware, Buffer.from(hardware, "latin1")],
  ]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt16LE(HEADER_BYTES, 8);
  header.writeUInt16LE(guarded.length, 10);
  header.writeUInt32LE(program.length, 12);
  header.writeUInt8(major, 20);
  header.writeUInt8(minor, 21);
  header.writeUInt16LE(revision, 22);
  const signed = Buffer.concat([header, program, guarded]);
  const sha256 = createHash("sha256").update(signed).digest();
  const tlvs = tlvArea(TLV_MAGIC, [
    [TLV.sha256, sha256],
    [TLV.ed25519, sign(null, sha256, key)],
  ]);
  return Buffer.concat([signed, tlvs]);
}

function tlvArea(magic: number, entries: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const pieces = entries.map(([type, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(type, 0);
    head.writeUInt16LE(value.length, 2);
    return Buffer.concat([head, value]);
  });
  const body = Buffer.concat(pieces);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(magic, 0);
  head.writeUInt16LE(body.length + 4, 2);
  return Buffer.concat([head, body]);
}
