import { pino, type Logger } from "pino";

/**
 * One log for a process: JSON lines on the given stream. Secrets have no place in it: keys that may carry one are
 * removed, wherever they stand at the first two levels.
 */
const SECRET_KEYS = ["password", "pin", "token", "code", "secret", "privateKey", "cookie", "authorization"];

export function openLog(name: string, destination: { write(line: string): void }, level = "info"): Logger {
  const paths = SECRET_KEYS.flatMap((key) => [key, `*.${key}`]);
  return pino({ name, level, redact: { paths, censor: "[removed]" }, base: { name } }, destination);
}

export type { Logger };
