/** Why the disk does not take a commit. */
export type Fault = "disk full" | "read-only" | "input/output error" | "damaged" | "other";

/** Both ends inclusive. */
export interface FrameRange {
  readonly from: number;
  readonly to: number;
}
