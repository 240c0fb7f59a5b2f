import { FieldwattError, type Entropy, type Instant } from "../../domain/model/index.ts";
import {
  openNodeBus,
  type Connection,
  type Decoded,
  type DeviceDefinition,
  type NodeBook,
  type NodeBus,
} from "../../drivers/index.ts";
import { realPath } from "./buses.ts";
import { pollBus, type PolledDevice, type Polling } from "./poll.ts";

/** A node on the field link. */
export interface PolledNode {
  readonly id: string;
  readonly interval: number;
  readonly definition: DeviceDefinition;
  readonly connection: Extract<Connection, { kind: "serial" }>;
  keep(decoded: Decoded): Promise<void>;
}

/** What reading nodes needs besides. */
export interface NodeAccess {
  readonly book: NodeBook;
  readonly entropy: Entropy;
  readonly now: () => Instant;
  /** Whether `now` may be believed. */
  readonly trusted: () => boolean;
}

/** Every line of nodes once: readings, relays and a person's work at it take turns. */
export interface NodeLines extends AsyncDisposable {
  /** Throws SITE_FILE_INVALID where there is no book of nodes. */
  of(path: string): NodeBus;
}

export function openNodeLines(access: NodeAccess | undefined): NodeLines {
  const lines = new Map<string, NodeBus>();
  return {
    of(path) {
      if (!access) throw new FieldwattError("SITE_FILE_INVALID", "this gateway has no book of nodes");
      const name = realPath(path);
      const bus = lines.get(name) ?? openNodeBus(access);
      lines.set(name, bus);
      return bus;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...lines.values()].map((bus) => bus[Symbol.asyncDispose]()));
    },
  };
}

/** Asks the nodes of one line in turn until the polling's signal aborts. A node forgets what is durable, and no more. */
export const askNodes = (nodes: readonly PolledNode[], bus: NodeBus, polling: Polling): Promise<void> =>
  pollBus(
    nodes.map((node) => polledNode(node, bus)),
    polling,
  );

function polledNode({ definition, connection, keep, ...node }: PolledNode, bus: NodeBus): PolledDevice {
  const acknowledge = new WeakMap<Decoded, () => Promise<void>>();
  const read = async (signal: AbortSignal): Promise<Decoded> => {
    const reading = await bus.read(definition, connection, signal);
    acknowledge.set(reading, reading.kept);
    return reading;
  };
  return {
    ...node,
    read,
    // What a probe read is read again.
    probe: async (signal) => void (await read(signal)),
    keep: async (decoded) => {
      await keep(decoded);
      await acknowledge.get(decoded)?.();
    },
  };
}
