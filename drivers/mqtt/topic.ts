/** What a topic says: undefined where it does not fit, else the number that stood for `*`, if any. */
export interface TopicMatch {
  readonly index?: number;
  /** Levels of the topic before the pattern's first. */
  readonly before: number;
}

/** One level of a pattern: text before and after a wildcard, or the text alone. */
interface Level {
  readonly start: string;
  readonly wildcard: "any" | "number" | "none";
  readonly end: string;
}

/** A pattern taken apart once: comparing happens for every message. */
export type TopicPattern = readonly Level[];

/** Takes a pattern apart: `+` is any text within a level, `*` a number of at most four digits. */
export const topicPattern = (pattern: string): TopicPattern => pattern.split("/").map(levelOf);

function levelOf(level: string): Level {
  const at = level.search(/[+*]/);
  if (at < 0) return { start: level, wildcard: "none", end: "" };
  const wildcard = level[at] === "+" ? "any" : "number";
  return { start: level.slice(0, at), wildcard, end: level.slice(at + 1) };
}

/**
 * Compares the end of a topic's levels with a pattern, level by level: `status/switch:*` fits
 * `shellyplus1pm-a8/status/switch:0`.
 */
export function matchTopicEnd(pattern: TopicPattern, levels: readonly string[]): TopicMatch | undefined {
  const before = levels.length - pattern.length;
  if (before < 0) return undefined;
  let index: number | undefined;
  for (const [position, level] of pattern.entries()) {
    const found = within(level, levels[before + position] ?? "");
    if (found === undefined) return undefined;
    if (level.wildcard === "number") index = Number(found);
  }
  return index === undefined ? { before } : { before, index };
}

/** The text that stands for the wildcard; undefined where the level does not fit. */
function within({ start, wildcard, end }: Level, text: string): string | undefined {
  if (wildcard === "none") return text === start ? "" : undefined;
  if (!text.startsWith(start) || !text.endsWith(end)) return undefined;
  const found = text.slice(start.length, text.length - end.length);
  if (found === "" || text.length < start.length + end.length) return undefined;
  return wildcard === "any" || /^\d{1,4}$/.test(found) ? found : undefined;
}

/** Whether a topic is the base or below it. */
export const isWithin = (base: string, topic: string): boolean => {
  const trimmed = base.endsWith("/") ? base.slice(0, -1) : base;
  return topic === base || (topic.startsWith(trimmed) && topic[trimmed.length] === "/");
};
