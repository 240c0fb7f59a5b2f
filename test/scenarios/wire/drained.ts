import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";

/**
 * What a process wrote to a socket is under way for a while: the system may hold a small piece until the one before is
 * acknowledged (Nagle's algorithm, RFC 1122 4.2.3.4), and a busy receiver leaves it in its queue. Linux tells both in
 * /proc/net/tcp (proc_net_tcp: tx_queue:rx_queue, in hexadecimal).
 */
const TABLE = "/proc/net/tcp";
const TRIES_MAX = 20_000;
const PAUSE_MS = 4;

/** Resolves when all that was written to a port of this computer before is with its listener, which is this process. */
export async function drained(port: number): Promise<void> {
  if (!existsSync(TABLE)) throw new Error(`this test needs ${TABLE}: run it on Linux`);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    // What is readable is read in the turn's poll phase.
    await turn();
    if (!underWay(readFileSync(TABLE, "latin1"), port)) return void (await turn());
    await wait(PAUSE_MS);
  }
  throw new Error(`the line to port ${port} never came to rest`);
}

function underWay(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").some((line) => {
    const [, local = "", remote = "", , queues = ""] = line.trim().split(/\s+/);
    const [sending, received] = queues.split(":");
    return (
      (remote.endsWith(`:${hex}`) && sending !== "00000000") ||
      (local.endsWith(`:${hex}`) && received !== "00000000" && !remote.endsWith(":0000"))
    );
  });
}

/** A connection of a process: to a port of somebody, from one of its own. */
interface Connection {
  readonly local: number;
  readonly remote: number;
  readonly inode: string;
}

/** Where a process is connected to at this moment, without those who came to a port on which it listens. */
export function outwardPorts(pid: number): number[] {
  const sockets = new Set(filesOf(pid).map((file) => /^socket:\[(\d+)\]$/.exec(file)?.[1]));
  const own = ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((table) => connectionsOf(readFileSync(table, "latin1")))
    .filter(({ inode }) => sockets.has(inode));
  const listening = new Set(own.filter(({ remote }) => remote === 0).map(({ local }) => local));
  return own.filter(({ local, remote }) => remote !== 0 && !listening.has(local)).map(({ remote }) => remote);
}

function filesOf(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`));
  } catch {
    // It ended, or closed the file, while it was looked at.
    return [];
  }
}

function connectionsOf(table: string): Connection[] {
  const portOf = (address: string): number => parseInt(address.split(":")[1] ?? "0", 16);
  const lines = table.trim().split("\n").slice(1);
  return lines.map((line) => {
    const [, local = "", remote = "", , , , , , , inode = ""] = line.trim().split(/\s+/);
    return { local: portOf(local), remote: portOf(remote), inode };
  });
}

/** The same for many who ask at once: those who come while it is looked at share the next look. */
export function sharedDrain(port: number): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    next = undefined;
    running = drained(port).finally(() => (running = undefined));
    return running;
  };
  return () => {
    if (!running) return begin();
    // The look that goes on may have seen the line before: the next one counts.
    next ??= running.then(begin, begin);
    return next;
  };
}
