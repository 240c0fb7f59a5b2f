import { decodeFrame, FRAME_MAX, type ReceivedFrame } from "./frame.ts";

/** Cuts a stream of bytes into frames. It holds one frame at most. */
export interface Splitter {
  /** The whole frames that end in these bytes. */
  push(bytes: Uint8Array): ReceivedFrame[];
  /** Bytes that were of no whole frame, since the start. */
  readonly garbage: number;
}

export function openSplitter(): Splitter {
  let held: number[] = [];
  let overlong = 0;
  let garbage = 0;
  const end = (): ReceivedFrame | undefined => {
    const frame = overlong > 0 ? undefined : decodeFrame(Uint8Array.from(held));
    if (!frame) garbage += held.length + overlong;
    held = [];
    overlong = 0;
    return frame;
  };
  return {
    push(bytes) {
      const found: ReceivedFrame[] = [];
      for (const byte of bytes) {
        if (byte !== 0) {
          if (held.length < FRAME_MAX) held.push(byte);
          else overlong += 1;
          continue;
        }
        const frame = end();
        if (frame) found.push(frame);
      }
      return found;
    },
    get garbage() {
      return garbage + overlong;
    },
  };
}
