import type { MqttDialect, MqttMessageRule } from "./dialect.ts";
import { matchTopicEnd, topicPattern, type TopicMatch, type TopicPattern } from "./topic.ts";

/** The rule of a device file that a topic fits, and what the topic says. */
export interface Found {
  readonly rule: MqttMessageRule;
  readonly match: TopicMatch;
}

interface Compiled {
  readonly rules: readonly { readonly rule: MqttMessageRule; readonly pattern: TopicPattern }[];
  /** Topics seen before; null where no rule fits. */
  readonly seen: Map<string, Found | null>;
}

/** Topics are few and come again; beyond this many (a device that makes up topics) none is remembered. */
const MAX_SEEN = 1000;
const compiled = new WeakMap<MqttDialect, Compiled>();

/** The first rule whose topic fits. */
export function findRule(dialect: MqttDialect, topic: string): Found | undefined {
  const { rules, seen } = compiledOf(dialect);
  const known = seen.get(topic);
  if (known !== undefined) return known ?? undefined;
  const found = search(rules, topic.split("/"));
  if (seen.size < MAX_SEEN) seen.set(topic, found ?? null);
  return found;
}

function compiledOf(dialect: MqttDialect): Compiled {
  const known = compiled.get(dialect);
  if (known) return known;
  const rules = dialect.messages.map((rule) => ({ rule, pattern: topicPattern(rule.topic) }));
  const fresh = { rules, seen: new Map<string, Found | null>() };
  compiled.set(dialect, fresh);
  return fresh;
}

function search(rules: Compiled["rules"], levels: readonly string[]): Found | undefined {
  for (const { rule, pattern } of rules) {
    const match = matchTopicEnd(pattern, levels);
    if (match) return { rule, match };
  }
  return undefined;
}

/**
 * The channel that a numbered part of a topic means (`switch:1`, `emeter/1`): part 0 is the device as a whole, the
 * others are "1", "2", …; where the base names the part, it is the device as a whole.
 */
export function channelOf({ rule, match }: Found, base: string | undefined): string | undefined {
  if (match.index === undefined || rule.index === undefined) return undefined;
  if (rule.index === "phase") return `L${match.index + 1}`;
  return match.index === 0 || baseNamesPart(rule, match, base) ? undefined : String(match.index);
}

/** True where the base reaches past the level with the number: `shellies/em/emeter/1` is one clamp of its own. */
function baseNamesPart(rule: MqttMessageRule, match: TopicMatch, base: string | undefined): boolean {
  const level = rule.topic.split("/").findIndex((part) => part.includes("*"));
  return base !== undefined && base.split("/").length > match.before + level;
}
