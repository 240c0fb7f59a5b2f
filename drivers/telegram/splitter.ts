import type { Problem } from "../driver.ts";

/**
 * Finds telegrams in a stream that begins anywhere, loses bytes and carries noise. A finder looks at the bytes so far
 * and says what it sees first; the splitter keeps the bytes, never more than the longest telegram and one chunk, and
 * goes on behind what was found. After damage it looks again from the next byte on, so that a telegram that begins
 * inside a damaged one is not lost.
 */
export type Found =
  | { readonly kind: "frame"; readonly from: number; readonly to: number }
  /** A telegram that began at `from` is damaged; the search goes on at `resume`, at least one byte further. */
  | { readonly kind: "damaged"; readonly from: number; readonly resume: number; readonly problem: Problem }
  /** A telegram may begin at `from`, and its end has not come; `from` is the length where nothing begins. */
  | { readonly kind: "wait"; readonly from: number };

/** Looks for the first telegram. `final` means that nothing more will come. */
export type Finder = (bytes: Uint8Array, final: boolean) => Found;

export type Piece =
  | { readonly kind: "frame"; readonly bytes: Uint8Array }
  | { readonly kind: "damaged"; readonly problem: Problem }
  | { readonly kind: "stray"; readonly bytes: Uint8Array };

export interface Splitter {
  push(bytes: Uint8Array): Piece[];
  end(): Piece[];
  pending(): number;
}

/** Longer input is taken in pieces, so that the memory of a splitter has a bound. */
const CHUNK_MAX = 4_096;

export function openSplitter(find: Finder, longest: number): Splitter {
  let held = new Uint8Array(0);
  const advance = (final: boolean): Piece[] => {
    const pieces: Piece[] = [];
    let at = 0;
    for (;;) {
      const rest = held.subarray(at);
      const found = find(rest, final);
      if (found.from > 0) pieces.push({ kind: "stray", bytes: rest.slice(0, found.from) });
      if (found.kind === "frame") {
        pieces.push({ kind: "frame", bytes: rest.slice(found.from, found.to) });
        at += found.to;
      } else if (found.kind === "damaged") {
        pieces.push({ kind: "damaged", problem: found.problem });
        at += Math.max(found.resume, found.from + 1);
      } else {
        at += found.from;
        const waiting = held.length - at;
        if (waiting <= longest) break;
        pieces.push({ kind: "damaged", problem: tooLong(longest) });
        // Half at once, so that a stream of nothing but beginnings costs no more than its length.
        at += Math.ceil(longest / 2);
      }
    }
    held = held.slice(at);
    return pieces;
  };
  const end = (): Piece[] => {
    const pieces = advance(true);
    const rest = held;
    held = new Uint8Array(0);
    return rest.length > 0 ? [...pieces, { kind: "stray", bytes: rest }] : pieces;
  };
  return {
    push(bytes) {
      const pieces: Piece[] = [];
      for (let at = 0; at < bytes.length; at += CHUNK_MAX) {
        const chunk = bytes.subarray(at, at + CHUNK_MAX);
        const joined = new Uint8Array(held.length + chunk.length);
        joined.set(held);
        joined.set(chunk, held.length);
        held = joined;
        pieces.push(...advance(false));
      }
      return pieces;
    },
    end,
    pending: () => held.length,
  };
}

const tooLong = (longest: number): Problem => ({
  code: "malformed",
  detail: `a telegram has no end within ${longest} bytes`,
});
