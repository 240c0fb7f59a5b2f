import { FieldwattError, type Entropy, type Instant } from "../../domain/model/index.ts";
import {
  openNodeBus,
  type Connection,
  type Decoded,
  type DeviceDefinition,
  type NodeBook,
  type NodeBus,
} from "../../drivers/index.ts";
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
}

interface NodeLine {
  readonly access: NodeAccess;
  readonly now: () => Instant;
  readonly polling: Polling;
}

/**
 * Asks the nodes of one line in turn until the polling's signal aborts. A node forgets what is durable, and no more.
 * Throws SITE_FILE_INVALID at once where there is no book of nodes.
 */
export function askNodes(
  nodes: readonly PolledNode[],
  { access, ...line }: Omit<NodeLine, "access"> & { readonly access: NodeAccess | undefined },
): Promise<void> {
  if (!access) throw new FieldwattError("SITE_FILE_INVALID", "this gateway has no book of nodes");
  return ask(nodes, { access, ...line });
}

async function ask(nodes: readonly PolledNode[], { access, now, polling }: NodeLine): Promise<void> {
  await using bus = openNodeBus({ ...access, now, trusted: () => polling.clock.trusted() });
  await pollBus(
    nodes.map((node) => polledNode(node, bus)),
    polling,
  );
}

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
