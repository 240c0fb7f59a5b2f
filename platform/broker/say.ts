import type { Level, Report } from "./messages.ts";

/** The thread's side of the log. */
export type Say = Readonly<Record<Level, (fields: Readonly<Record<string, unknown>>, text: string) => void>>;

/** Lines in one span of time; a neighbour who makes noise cannot fill the card with log lines. */
export const LINES_MAX = 100;
const SPAN_MS = 10_000;

export function openSay(post: (report: Report) => void, now: () => number): Say {
  let since = now();
  let lines = 0;
  let dropped = 0;
  const line = (level: Level) => (fields: Readonly<Record<string, unknown>>, text: string) => {
    if (now() - since >= SPAN_MS) {
      if (dropped > 0)
        post({
          kind: "log",
          level: "warn",
          fields: { lines: dropped },
          text: "broker: more of the same was not written",
        });
      since = now();
      lines = dropped = 0;
    }
    if (++lines > LINES_MAX) dropped++;
    else post({ kind: "log", level, fields, text });
  };
  return { debug: line("debug"), warn: line("warn"), error: line("error") };
}
