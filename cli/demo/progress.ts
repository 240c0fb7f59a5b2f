import { instant, localTime } from "../../domain/model/index.ts";
import { openClock, type ClockLine } from "../../platform/clock.ts";

/** What the demo tells in the terminal: one line that is rewritten on a terminal, a line now and then in a file. */
export interface Progress {
  say(text: string): void;
  take(child: string, event: Record<string, unknown>): void;
  /** Shows progress until the signal aborts. */
  until(signal: AbortSignal): Promise<void>;
}

const TERMINAL_MS = 1_000;
const FILE_MS = 10_000;
const ZONE = "Africa/Nairobi";

export function openProgress({ line, wallNow }: { line: ClockLine; wallNow: () => number }): Progress {
  const clock = openClock(wallNow, line);
  const terminal = process.stdout.isTTY;
  let figures: Record<string, unknown> = {};

  const text = (): string => {
    const now = instant(clock.now());
    const day = new Intl.DateTimeFormat("en-GB", {
      timeZone: ZONE,
      weekday: "short",
      day: "numeric",
      month: "short",
    }).format(now);
    const { readings = 0, released = 0, waiting = 0, answers = 0 } = figures;
    return `${day} ${localTime(now, ZONE)}  ${readings} readings kept, ${released} summaries released (${waiting} waiting), ${answers} answers from the hub`;
  };
  const clear = (): void => void (terminal && process.stdout.write("\r\x1b[K"));

  return {
    say(words) {
      clear();
      console.log(words);
    },
    take(child, event) {
      if (child === "gateway" && event.event === "progress") figures = event;
    },
    async until(signal) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const shown = setInterval(
        () => (terminal ? process.stdout.write(`\r\x1b[K${text()}`) : console.log(text())),
        terminal ? TERMINAL_MS : FILE_MS,
      );
      if (signal.aborted) resolve(undefined);
      else signal.addEventListener("abort", () => resolve(undefined), { once: true });
      await promise;
      clearInterval(shown);
      clear();
    },
  };
}
