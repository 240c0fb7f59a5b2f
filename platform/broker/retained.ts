/**
 * What the program itself wants later subscribers to know, by topic: never a client's. The program bounds it, and
 * gives it to a new thread again.
 */
export const RETAINED_MAX = 50_000;

export class Retained {
  private readonly byTopic = new Map<string, Uint8Array>();

  /** An empty payload forgets the topic (MQTT 3.1.1, section 3.3.1.3). @returns false when there is no room */
  set(topic: string, payload: Uint8Array): boolean {
    if (payload.length === 0) this.byTopic.delete(topic);
    else if (this.byTopic.size >= RETAINED_MAX && !this.byTopic.has(topic)) return false;
    else this.byTopic.set(topic, payload);
    return true;
  }

  all(): ReadonlyMap<string, Uint8Array> {
    return this.byTopic;
  }

  *matching(filters: readonly string[]): Generator<{ topic: string; payload: Uint8Array }> {
    for (const [topic, payload] of this.byTopic)
      if (filters.some((filter) => matches(filter, topic))) yield { topic, payload };
  }
}

/** MQTT 3.1.1, section 4.7: `+` is one level, `#` the rest of them and the level above. */
export function matches(filter: string, topic: string): boolean {
  const [wanted, names] = [filter.split("/"), topic.split("/")];
  for (const [at, level] of wanted.entries()) {
    if (level === "#") return names.length >= at;
    if (names[at] === undefined || (level !== "+" && level !== names[at])) return false;
  }
  return wanted.length === names.length;
}
