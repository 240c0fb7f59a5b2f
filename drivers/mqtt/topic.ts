/** What a topic says: undefined where it does not fit, else the number that stood for `*`, if any. */
export interface TopicMatch {
  readonly index?: number;
  /** Levels of the topic before the pattern's first. */
  readonly before: number;
}

/**
 * Compares the end of a topic with a pattern, level by level: `+` is any level, `*` within a level is a number.
 * `status/switch:*` fits `shellyplus1pm-a8/status/switch:0`.
 */
export function matchTopicEnd(pattern: string, topic: string): TopicMatch | undefined {
  const [want, have] = [pattern.split("/"), topic.split("/")];
  const before = have.length - want.length;
  if (before < 0) return undefined;
  let index: number | undefined;
  for (const [position, level] of want.entries()) {
    const found = have[before + position] ?? "";
    const match = levelPattern(level).exec(found);
    if (!match) return undefined;
    if (match[1] !== undefined) index = Number(match[1]);
  }
  return index === undefined ? { before } : { before, index };
}

const levelPattern = (level: string): RegExp => {
  const literal = level.replace(/[.?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace("*", "(\\d{1,4})").replaceAll("+", "[^/]+")}$`);
};

/** Whether a topic is the base or below it. */
export const isWithin = (base: string, topic: string): boolean =>
  topic === base || topic.startsWith(`${base.replace(/\/$/, "")}/`);
