import { FieldwattError, type Clock, type Instant, type Reading } from "../../domain/model/index.ts";
import type { UndatedReading } from "./commands.ts";
import type { ClockSource, ClockStateName } from "./model.ts";
import type { ClockOrder } from "./order.ts";

/** How the clock is doing, for /health, the pages and the metrics. */
export interface ClockStatus {
  readonly state: ClockStateName;
  /** When this state began; undefined while no time is known. */
  readonly since?: Instant;
  readonly source?: ClockSource | "village";
  readonly because: string;
  /** Readings that wait for their time. */
  readonly undated: number;
  /** What the machine's own clock says, ms since 1970; absent in a demo village. */
  readonly machine?: number;
}

/** What keeping readings needs to know of the time. */
export interface ReadingTime {
  /** Resolves when they are durable under the uptime; for readings that come while the clock is not trusted. */
  keepUndated(readings: readonly Omit<UndatedReading, "uptime">[], uptime: number): Promise<void>;
  uptime(): number;
  /** False where a stamp of now may be wrong by so much that the reading says so. */
  isSure(): boolean;
}

export interface TimeListener {
  /** Readings that waited are dated and durable. */
  onDated(readings: readonly Reading[]): void;
  /** The believed time was wrong and has moved. */
  onCorrected(): void;
}

/** The gateway's time as the rest of it sees it. */
export interface GatewayTime extends AsyncDisposable {
  readonly clock: Clock;
  /** Absent where the time is always known. */
  readonly reading?: ReadingTime;
  /** How often the believed time was moved, since the start. */
  readonly corrections: number;
  status(): ClockStatus;
  /** When this process began to listen, on the line; a lower bound before the first trust. */
  startedOn(): Instant;
  /** Where the time was last moved forwards: nothing is drawn from before it to after it. */
  leap(): Instant | undefined;
  /** A time that the hub signed; it can confirm the machine's clock, never set it. */
  hear(sent: number): void;
  /** Runs `work` while the line stands still and nothing is being dated. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** Goes on looking, until disposed. */
  begin(listener: TimeListener): void;
  /** A person says what time it is now. @throws FieldwattError CLOCK_REFUSED, RECORD_FAILED */
  confirm(time: number): Promise<void>;
  /** What a person says. @throws FieldwattError CLOCK_REFUSED, RECORD_FAILED */
  obey(order: ClockOrder): Promise<void>;
}

const refuse = (): Promise<never> =>
  Promise.reject(new FieldwattError("CLOCK_REFUSED", "A demo village has a clock of its own"));

/** The time of a demo village: a line that all its processes share, trusted from the beginning (decision 0003). */
export function villageTime(clock: Clock): GatewayTime {
  const started = clock.now();
  return {
    clock,
    corrections: 0,
    status: () => ({
      state: "trusted",
      since: started,
      source: "village",
      because: "the clock of a demo village",
      undated: 0,
    }),
    startedOn: () => started,
    leap: () => undefined,
    hear: () => undefined,
    exclusive: (work) => work(),
    begin: () => undefined,
    confirm: refuse,
    obey: refuse,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
