/** What a scan found. */
export interface ScanReport {
  readonly bus: string;
  /** False where the time limit or a person ended it before everything was asked. */
  readonly complete: boolean;
  /** What a reader of the list should know: settings that answered, units that were not asked. */
  readonly notes: readonly string[];
  readonly found: readonly Found[];
}

export interface Found {
  /** Where it answers: `unit 3`, `9600 8N1`, `2400 7E1`, a topic. */
  readonly where: string;
  readonly unit?: number;
  readonly baudRate?: number;
  readonly parity?: "none" | "even" | "odd";
  /** Of a talker, and of a meter that is asked for its telegram; Modbus has 8. */
  readonly dataBits?: 7 | 8;
  readonly topic?: string;
  /** What the device says of itself. */
  readonly says?: string;
  /** Device files that fit, the best first. */
  readonly guesses: readonly Guess[];
}

export interface Guess {
  readonly device: string;
  /** 0 to 1: how much of what was looked at is plausible. */
  readonly score: number;
  /** Values that were read with it, by target, in stored units. */
  readonly values: Readonly<Record<string, number>>;
}

/** What every kind of scan is handed. */
export interface ScanContext {
  /** Ends the scan: the time limit, or Ctrl-C. */
  readonly signal: AbortSignal;
  /** A line for the person who waits. */
  progress(text: string): void;
}
