// The phone as a witness: it keeps the last head of the log that it saw, and takes a new one only with the proof that
// nothing before it was changed. It shares no code with the program that makes proofs, and follows RFC 9162 alone.
//
// watchLog({ kept, log, ask }) resolves to { state, kept, shown? }: what became of it, what to keep from now on, and the
// head that was shown. `kept` is { log, note, size, root, seen } or undefined; what contradicts is never kept over it.
import { fromBase64, hex, openHead, sha256 } from "./egress-check.js";

/** States in which something is wrong with the log. */
export const WARNINGS = ["shrunk", "changed", "otherKey", "notSigned"];
const PROOF_MAX = 63;

/**
 * @param ask { checkpoint(): the note, or undefined where nothing has left; consistency(from, to): base64 hashes }.
 * Both reject where the gateway cannot be reached.
 */
export async function watchLog({ kept, log, ask, now }) {
  let note;
  try {
    note = await ask.checkpoint();
  } catch {
    return { state: "away", kept };
  }
  if (note === undefined) return kept ? { state: "shrunk", kept, shown: { size: 0 } } : { state: "nothing" };
  const head = await openHead(note, { log, witnesses: [] }).catch(() => undefined);
  if (!head) return { state: "notSigned", kept, shown: { note } };
  const shown = { log, note, size: head.size, root: hex(head.root), seen: now };
  if (!kept) return { state: "first", kept: shown, shown };
  if (kept.log !== log) return { state: sameKey(kept.log, log) ? "anew" : "otherKey", kept, shown };
  return judge(kept, shown, ask);
}

async function judge(kept, shown, ask) {
  if (shown.size < kept.size) return { state: "shrunk", kept, shown };
  if (shown.size === kept.size)
    return shown.root === kept.root
      ? { state: "same", kept: shown, shown }
      : { state: "changed", kept, shown };
  let proof;
  try {
    proof = await ask.consistency(kept.size, shown.size);
  } catch {
    return { state: "away", kept };
  }
  const grew = await isBeginning(kept, shown, proof).catch(() => false);
  return grew ? { state: "grew", kept: shown, shown } : { state: "changed", kept, shown };
}

/** A log that was begun anew, after its record came out of a backup, has the same key under a name with a number. */
function sameKey(one, other) {
  // NAME+ID+KEY: the id depends on the name, and the key's base64 may hold a plus.
  const [a, b] = [one, other].map((text) => /^([^+]+?)(?:\/\d+)?\+[0-9a-f]{8}\+(.+)$/.exec(text) ?? []);
  return a[1] !== undefined && a[1] === b[1] && a[2] === b[2];
}

/** RFC 9162, 2.1.4.2, step by step: is the tree of `first` the beginning of the tree of `second`? */
export async function isBeginning(first, second, proof) {
  if (!Array.isArray(proof) || proof.length > PROOF_MAX) return false;
  const path = proof.map((one) => hex(fromBase64(one)));
  if (first.size === 0) return path.length === 0;
  if (path.length === 0 || path.some((one) => one.length !== 64)) return false;
  if (isPowerOfTwo(first.size)) path.unshift(first.root);
  let [fn, sn] = [BigInt(first.size - 1), BigInt(second.size - 1)];
  while (fn % 2n === 1n) [fn, sn] = [fn / 2n, sn / 2n];
  let [fr, sr] = [path[0], path[0]];
  for (const hash of path.slice(1)) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      [fr, sr] = [await parent(hash, fr), await parent(hash, sr)];
      while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn / 2n, sn / 2n];
    } else sr = await parent(sr, hash);
    [fn, sn] = [fn / 2n, sn / 2n];
  }
  return sn === 0n && fr === first.root && sr === second.root;
}

const isPowerOfTwo = (size) => (BigInt(size) & (BigInt(size) - 1n)) === 0n;
const bytesOf = (text) => Uint8Array.from(text.match(/../g), (two) => parseInt(two, 16));
const parent = async (left, right) => hex(await sha256([1], bytesOf(left), bytesOf(right)));
