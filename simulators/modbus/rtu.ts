import { openPtyPair, type PtyPair } from "../pty.ts";
import { openRtuSlaves } from "./rtu-slaves.ts";
import type { ModbusUnit, RequestListener } from "./slave.ts";
import type { LineFault } from "./wire-faults.ts";

/** Several Modbus RTU slaves on one pseudo-terminal: a bus. */
export interface RtuBus extends AsyncDisposable {
  readonly path: string;
}

export interface RtuBusOptions {
  /** A link with a name that stays; without it an unplugged bus comes back under another name. */
  readonly link?: string;
  readonly units: ReadonlyMap<number, ModbusUnit>;
  /** Time from request to reply, ms of real time: what a meter needs to turn round. */
  readonly replyDelayMs?: number;
  readonly onRequest?: RequestListener;
}

const REPLY_DELAY_MS = 8;
/** A reset adapter is back after this time. */
const RESET_MS = 50;

/** One adapter as long as it is plugged in. */
interface Plugged extends AsyncDisposable {
  readonly path: string;
  /** The line stays, and nobody on it hears or says anything more. */
  deafen(): void;
}

/** @throws FieldwattError PTY_FAILED */
export async function openRtuBus(options: RtuBusOptions): Promise<RtuBus> {
  let closed = false;
  let comingBack: NodeJS.Timeout | undefined;
  let plugged: Plugged | undefined = await plugIn(options, lineFails);
  const first = plugged.path;

  function lineFails(fault: LineFault): void {
    if (fault.kind === "halfOpen") return plugged?.deafen();
    void pullOut();
    // A machine that has no pseudo-terminal left keeps the line unplugged.
    const back = (): void => void comeBack().catch(() => undefined);
    comingBack = setTimeout(back, fault.kind === "unplugged" ? fault.ms : RESET_MS);
  }
  async function pullOut(): Promise<void> {
    const gone = plugged;
    plugged = undefined;
    await gone?.[Symbol.asyncDispose]();
  }
  async function comeBack(): Promise<void> {
    const next = await plugIn(options, lineFails);
    if (closed) await next[Symbol.asyncDispose]();
    else plugged = next;
  }
  return {
    path: options.link ?? first,
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(comingBack);
      await pullOut();
    },
  };
}

async function plugIn(
  { link, units, replyDelayMs = REPLY_DELAY_MS, onRequest }: RtuBusOptions,
  onLineFault: (fault: LineFault) => void,
): Promise<Plugged> {
  const pty: PtyPair = await openPtyPair({ ...(link !== undefined && { link }) });
  const slaves = openRtuSlaves(pty, { units, replyDelayMs, onLineFault, ...(onRequest && { onRequest }) });
  return {
    path: pty.path,
    deafen: () => slaves.close(),
    async [Symbol.asyncDispose]() {
      slaves.close();
      await pty[Symbol.asyncDispose]();
    },
  };
}
