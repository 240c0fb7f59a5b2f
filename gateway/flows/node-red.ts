import { fork, type ChildProcess } from "node:child_process";
import { hkdfSync } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { FieldwattError } from "../../domain/model/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { NodeRedSettings } from "./settings.ts";

/**
 * Node-RED as a process of its own beside the gateway: with a limit of its own for memory, started again with longer
 * and longer pauses when it ends, and ended with the gateway. Whatever becomes of it, the record goes on.
 */
export interface NodeRed extends AsyncDisposable {
  state(): NodeRedState;
}

export interface NodeRedState {
  readonly up: boolean;
  /** How often it ended by itself. */
  readonly restarts: number;
  readonly pid: number | undefined;
  /** Where its editor listens. */
  readonly port: number;
  /** What it said last, where it ended. */
  readonly fault: string | undefined;
}

export interface NodeRedOptions {
  readonly settings: NodeRedSettings;
  /** The gateway's data folder: flows lie in `flows` in it, and so in its backups. */
  readonly data: string;
  /** The village's: what a flow does at seven, it does at seven there. */
  readonly timeZone: string;
  /** The key of credentials is made of it. */
  readonly secret: Uint8Array;
  /** What the child is told of the gateway, over a channel that no flow can read. */
  readonly gateway: { readonly url: string; readonly token: string };
  readonly log: Logger;
  /** It has ended, however that came. */
  onEnd(): void;
}

const PAUSES_MS = [500, 1_000, 2_000, 5_000, 15_000, 60_000];
/** A process that lived so long counts as well, ms. */
const WELL_MS = 120_000;
const END_MS = 5_000;
const SAID_MAX = 2_000;
const FOLDER = "flows";
const entry = fileURLToPath(new URL("./assets/node-red.mjs", import.meta.url));

const program = fileURLToPath(new URL("../..", import.meta.url));
/** Where `fieldwatt flows install` brings Node-RED, beside the program. */
export const NODE_RED_FOLDER = join(program, ".fieldwatt", "node-red");
/** The nodes of this program, as any Node-RED may install them. */
export const NODES_FOLDER = join(program, "flows");
const NODES = "node-red-contrib-fieldwatt";

/** Where Node-RED's package lies. Throws FLOWS_MISSING. */
export function nodeRedPackage(named: string | undefined): string {
  const beside = [NODE_RED_FOLDER, program].map((folder) => join(folder, "node_modules", "node-red"));
  const places = named === undefined ? [...beside, "/usr/lib/node_modules/node-red"] : [named];
  const found = places.find((folder) => existsSync(join(folder, "package.json")));
  if (found !== undefined) return found;
  const where = named ?? "its place beside the program";
  throw new FieldwattError(
    "FLOWS_MISSING",
    `Node-RED is not in ${where}: bring it with "fieldwatt flows install", or take nodeRed: out of the site file`,
  );
}

/** Throws FLOWS_MISSING. */
export async function startNodeRed(options: NodeRedOptions): Promise<NodeRed> {
  const folder = nodeRedPackage(options.settings.package);
  const own = join(options.data, FOLDER);
  await mkdir(join(own, "node_modules"), { recursive: true, mode: 0o700 });
  await linkNodes(join(own, "node_modules", NODES));
  return new KeptNodeRed(options, folder);
}

/** The nodes of this program, wherever it lies now; another version that the operator put there stays. */
async function linkNodes(link: string): Promise<void> {
  const found = await lstat(link).catch(() => undefined);
  if (found && !found.isSymbolicLink()) return;
  await rm(link, { force: true });
  if (existsSync(NODES_FOLDER)) await symlink(NODES_FOLDER, link, "dir");
}

class KeptNodeRed implements NodeRed {
  private readonly options: NodeRedOptions;
  private readonly folder: string;
  private readonly stop = new AbortController();
  private readonly life: Promise<void>;
  private child: ChildProcess | undefined;
  private port: number;
  private up = false;
  private restarts = 0;
  private said = "";

  constructor(options: NodeRedOptions, folder: string) {
    this.options = options;
    this.folder = folder;
    this.port = options.settings.port;
    this.life = this.keepAlive();
  }

  state(): NodeRedState {
    const { up, restarts, port } = this;
    return { up, restarts, port, pid: this.child?.pid, fault: up ? undefined : this.said || undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.life;
  }

  private async keepAlive(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted; failures++) {
      const begun = performance.now();
      const how = await this.runOnce(signal);
      this.options.onEnd();
      if (signal.aborted) return;
      this.restarts += 1;
      if (performance.now() - begun > WELL_MS) failures = 0;
      const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0;
      this.options.log.warn(
        { how, pause, said: this.said.slice(-500) },
        "Node-RED ended; it is started again",
      );
      await wait(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves, when it has ended, to how. */
  private runOnce(signal: AbortSignal): Promise<string> {
    const { settings } = this.options;
    const child = fork(entry, [], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: [`--max-old-space-size=${settings.memory}`, "--max-semi-space-size=2"],
      // Flows read the environment: what is in the gateway's is none of theirs.
      env: {
        PATH: process.execPath.slice(0, process.execPath.lastIndexOf("/")),
        ...{ HOME: this.options.data, TZ: this.options.timeZone },
      },
    });
    this.child = child;
    this.said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (bytes: Buffer) => (this.said = (this.said + bytes.toString()).slice(-SAID_MAX)));
    child.on("message", (message) => this.heard(message as { event?: string; port?: number }));
    child.send(this.told());
    const end = (): void => void endChild(child);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    return new Promise((resolve) => {
      const ended = (how: string): void => {
        signal.removeEventListener("abort", end);
        [this.up, this.child] = [false, undefined];
        resolve(how);
      };
      child.once("error", (error) => ended(error.message));
      child.once("exit", (code, by) => ended(by ?? `exit code ${code}`));
    });
  }

  private heard({ event, port }: { event?: string; port?: number }): void {
    if (event !== "ready") return;
    this.up = true;
    this.port = port ?? this.port;
    this.options.log.info({ port: this.port }, "Node-RED has started");
  }

  private told(): object {
    const { settings, data, secret, gateway } = this.options;
    return {
      package: this.folder,
      userDir: join(data, FOLDER),
      ...{ host: settings.host, port: this.port },
      credentialSecret: Buffer.from(
        hkdfSync("sha256", secret, "", "fieldwatt flows: credentials", 32),
      ).toString("hex"),
      gateway,
    };
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await wait(END_MS, undefined, { ref: false });
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}
