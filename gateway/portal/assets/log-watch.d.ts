/** What a phone keeps of the log of what left, and what it found (log-watch.js). */
export interface KeptHead {
  readonly log: string;
  readonly note: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly root: string;
  readonly seen: number;
}
export declare const WARNINGS: readonly string[];
export declare function watchLog(options: {
  readonly kept: KeptHead | undefined;
  readonly log: string;
  readonly ask: {
    checkpoint(): Promise<string | undefined>;
    consistency(from: number, to: number): Promise<readonly string[]>;
  };
  readonly now: number;
}): Promise<{ readonly state: string; readonly kept?: KeptHead; readonly shown?: Partial<KeptHead> }>;
export declare function isBeginning(
  first: Pick<KeptHead, "size" | "root">,
  second: Pick<KeptHead, "size" | "root">,
  proof: readonly string[],
): Promise<boolean>;
