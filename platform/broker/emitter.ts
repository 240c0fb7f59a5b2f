/**
 * Who listens to which topic, in the place of aedes' own `mqemitter`. That one queues what it cannot deliver at once,
 * without a maximum, and works the queue off by calling itself: load and then a disconnect overflows the stack. This
 * one has no queue: a message goes to its listeners at once, and each connection bounds what waits in it.
 * Filters are those of MQTT 3.1.1, section 4.7.1.
 */
export interface Published {
  readonly topic: string;
}

export type Listener = (packet: Published, done: () => void) => void;

interface Level {
  readonly below: Map<string, Level>;
  readonly listeners: Set<Listener>;
}

const newLevel = (): Level => ({ below: new Map(), listeners: new Set() });
const nothing = (): void => undefined;

export class TopicEmitter {
  private root = newLevel();
  private readonly onFault: (error: unknown) => void;

  constructor(onFault: (error: unknown) => void) {
    this.onFault = onFault;
  }

  on(filter: string, listener: Listener, done?: () => void): void {
    let level = this.root;
    for (const name of filter.split("/")) {
      let next = level.below.get(name);
      if (!next) level.below.set(name, (next = newLevel()));
      level = next;
    }
    level.listeners.add(listener);
    if (done) setImmediate(done);
  }

  removeListener(filter: string, listener: Listener, done?: () => void): void {
    const path = [this.root];
    const names = filter.split("/");
    for (const name of names) {
      const next = path.at(-1)?.below.get(name);
      if (!next) break;
      path.push(next);
    }
    if (path.length > names.length) path.at(-1)?.listeners.delete(listener);
    for (let depth = path.length - 1; depth > 0; depth--) {
      const level = path[depth];
      if (!level || level.listeners.size > 0 || level.below.size > 0) break;
      path[depth - 1]?.below.delete(names[depth - 1] ?? "");
    }
    if (done) setImmediate(done);
  }

  /** Calls `done` without waiting for the listeners: a slow subscriber holds no publisher up. */
  emit(packet: Published, done: () => void = nothing): void {
    const found = new Set<Listener>();
    collect(this.root, packet.topic.split("/"), 0, found);
    for (const listener of found) {
      try {
        listener(packet, nothing);
      } catch (error) {
        this.onFault(error);
      }
    }
    done();
  }

  close(done: () => void): void {
    this.root = newLevel();
    setImmediate(done);
  }
}

/** Topics have at most as many levels as the broker lets in, so that this goes no deeper. */
function collect(level: Level, names: readonly string[], at: number, found: Set<Listener>): void {
  // "sport/#" also matches "sport" (section 4.7.1.2).
  for (const listener of level.below.get("#")?.listeners ?? []) found.add(listener);
  const name = names[at];
  if (name === undefined) {
    for (const listener of level.listeners) found.add(listener);
    return;
  }
  for (const next of [level.below.get(name), level.below.get("+")])
    if (next) collect(next, names, at + 1, found);
}
