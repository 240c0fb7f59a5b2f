// Checks a proof of the egress log, here in the browser: nothing is sent anywhere. It shares no code with the program
// that makes proofs, on purpose, and follows the published formats alone: RFC 6962 (the tree), RFC 8032 (Ed25519),
// c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof. docs of the file: protocol/egress-proof.ts.
//
// checkProof(text) resolves to { holds: true, … } or { holds: false, because, detail }; `because` is one of REASONS.
import * as own from "./ed25519.js";

export const REASONS = ["notAProof", "otherBytes", "otherMember", "notSigned", "notInLog"];

class Refusal extends Error {
  constructor(because, detail) {
    super(detail);
    this.because = because;
  }
}
const refuse = (because, detail) => {
  throw new Refusal(because, detail);
};

const LARGEST = 1_000_000;
const utf8 = new TextEncoder();
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Base64 as it is written once and no other way; anything else is no base64. */
export function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    return refuse("notAProof", "base64");
  }
  return btoa(binary) === text
    ? Uint8Array.from(binary, (char) => char.charCodeAt(0))
    : refuse("notAProof", "base64");
}

/** The browser's own cryptography; it gives none to a page that came by plain http. A test takes it away. */
const subtle = globalThis.crypto?.subtle;
let ownOnly = false;

export const sha256 = async (...parts) => {
  const bytes = join(...parts);
  return subtle && !ownOnly ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : own.sha256(bytes);
};

export async function checkProof(text, { without = false } = {}) {
  ownOnly = without;
  try {
    return { holds: true, ...(await check(text)) };
  } catch (error) {
    if (error instanceof Refusal) return { holds: false, because: error.because, detail: error.message };
    return { holds: false, because: "notAProof", detail: String(error?.message ?? error) };
  }
}

async function check(text) {
  const file = parse(text);
  const leaf = await leafOf(file);
  const { index, hashes, note } = proofOf(file.proof);
  const head = await openHead(note, file);
  const leafHash = await sha256([0], utf8.encode(file.leaf));
  if (!(await leadsToRoot({ index, hashes, leafHash }, head))) refuse("notInLog", `${index} of ${head.size}`);
  return {
    item: json(file.item),
    bytes: file.item,
    member: file.member.id,
    recipient: leaf.recipient,
    offer: leaf.offer,
    window: leaf.window,
    log: file.log,
    index,
    size: head.size,
    witnessed: head.witnessed,
  };
}

const TEXT_FIELDS = ["log", "leaf", "item", "proof"];
const FIELDS = ["format", "version", "witnesses", "member", ...TEXT_FIELDS];

function parse(text) {
  if (text.length > LARGEST) refuse("notAProof", "too large");
  const file = json(text);
  const right =
    file?.format === "fieldwatt-egress-proof" &&
    file.version === 1 &&
    Object.keys(file).every((name) => FIELDS.includes(name)) &&
    TEXT_FIELDS.every((name) => typeof file[name] === "string") &&
    Array.isArray(file.witnesses) &&
    file.witnesses.length <= 20 &&
    file.witnesses.every((key) => typeof key === "string") &&
    typeof file.member?.id === "string" &&
    /^[0-9a-f]{32}$/.test(file.member.salt);
  return right ? file : refuse("notAProof", "a part is missing or unknown");
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return refuse("notAProof", "not JSON");
  }
}

/** The leaf speaks of these bytes, and of this member: SHA-256(salt || member) is one of its commitments. */
async function leafOf({ leaf: text, item, member }) {
  const leaf = json(text);
  if (leaf?.version !== 1 || !Array.isArray(leaf.members)) refuse("notAProof", "leaf");
  if (hex(await sha256(utf8.encode(item))) !== leaf.digest) refuse("otherBytes", "digest");
  const commitment = hex(await sha256(fromHex(member.salt), utf8.encode(member.id)));
  return leaf.members.includes(commitment) ? leaf : refuse("otherMember", member.id);
}

/** c2sp.org/tlog-proof: the way up, then the signed head. */
function proofOf(text) {
  const split = text.indexOf("\n\n");
  const [first, ...lines] = text.slice(0, Math.max(split, 0)).split("\n");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (first !== "c2sp.org/tlog-proof@v1" || index === undefined || lines.length > 54)
    refuse("notAProof", "proof");
  const hashes = lines.map(fromBase64);
  if (hashes.some(({ length }) => length !== 32)) refuse("notAProof", "hash");
  return { index: Number(index), hashes, note: text.slice(split + 2) };
}

/** The signed head: the log itself must have signed it; a witness counts where its line holds. */
export async function openHead(note, file) {
  const split = note.lastIndexOf("\n\n");
  if (split < 0) refuse("notAProof", "note");
  const body = note.slice(0, split + 1);
  const lines = note
    .slice(split + 2)
    .split("\n")
    .filter(Boolean)
    .map(signatureOf);
  const [origin, size, root, ...rest] = body.split("\n");
  if (!/^(0|[1-9]\d{0,15})$/.test(size ?? "") || rest.at(-1) !== "") refuse("notAProof", "checkpoint");
  const log = await keyOf(file.log);
  const signed = lines.find((line) => line.name === log.name && line.id === log.id);
  if (
    log.type !== 1 ||
    origin !== log.name ||
    !signed ||
    !(await verify(log, signed.bytes, utf8.encode(body)))
  )
    refuse("notSigned", origin ?? "");
  const witnessed = [];
  for (const key of await Promise.all(file.witnesses.map(keyOf))) {
    const time = await witnessTime(key, lines, body);
    if (time !== undefined) witnessed.push({ name: key.name, time });
  }
  return { size: Number(size), root: fromBase64(root), witnessed };
}

function signatureOf(line) {
  const [, name, base64] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? refuse("notAProof", "signature line");
  const bytes = fromBase64(base64);
  return { name, id: hex(bytes.slice(0, 4)), bytes: bytes.slice(4) };
}

/** NAME+ID+base64(type || key); the id is the beginning of SHA-256(name, line break, type, key). */
async function keyOf(text) {
  const [, name, id, base64] =
    /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? refuse("notAProof", "key");
  const bytes = fromBase64(base64);
  const right = hex((await sha256(utf8.encode(`${name}\n`), bytes)).slice(0, 4));
  if (bytes.length !== 33 || right !== id) refuse("notAProof", "key id");
  return { name, id, type: bytes[0], raw: bytes.slice(1) };
}

/** A cosignature covers a first line, the time and the head; ms, or undefined where the witness has not seen it. */
async function witnessTime(key, lines, body) {
  const line = lines.find(({ name, id }) => name === key.name && id === key.id);
  if (!line) return undefined;
  // Whoever changes a line of a witness changes what the witness said.
  if (key.type !== 4 || line.bytes.length !== 72) refuse("notSigned", key.name);
  const seconds = new DataView(line.bytes.buffer, line.bytes.byteOffset).getBigUint64(0);
  const text = utf8.encode(`cosignature/v1\ntime ${seconds}\n${body}`);
  if (!(await verify(key, line.bytes.slice(8), text))) refuse("notSigned", key.name);
  return Number(seconds) * 1000;
}

async function verify({ raw }, signature, message) {
  const key = ownOnly ? undefined : await importKey(raw);
  if (!key) return own.verifyEd25519(raw, signature, message);
  return subtle.verify({ name: "Ed25519" }, key, signature, message);
}

/** Undefined in a browser that does not know Ed25519. */
const importKey = (raw) =>
  subtle?.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]).catch(() => undefined);

/** RFC 9162, 2.1.3.2, step by step. */
async function leadsToRoot({ index, hashes, leafHash }, { size, root }) {
  if (index >= size) return false;
  let [place, last, hash] = [BigInt(index), BigInt(size - 1), leafHash];
  for (const sibling of hashes) {
    if (last === 0n) return false;
    if (place % 2n === 1n || place === last) {
      hash = await sha256([1], sibling, hash);
      while (place % 2n === 0n && place !== 0n) [place, last] = [place / 2n, last / 2n];
    } else hash = await sha256([1], hash, sibling);
    [place, last] = [place / 2n, last / 2n];
  }
  return last === 0n && hex(hash) === hex(root);
}
