/** Why the disk does not take a commit. */
export type Fault = "disk full" | "read-only" | "input/output error" | "damaged" | "other";

/** Both ends inclusive. */
export interface FrameRange {
  readonly from: number;
  readonly to: number;
}

/** Frames that are lost, and the times of the readings nearest to them (ms), where there are any. */
export interface LostFrames extends FrameRange {
  readonly after?: number;
  readonly before?: number;
}
