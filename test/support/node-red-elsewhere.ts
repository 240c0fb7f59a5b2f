import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../cli/demo/ports.ts";
import { eventually } from "../scenarios/kit.ts";
import { installPacked, NODE_RED_FOLDERS, type NodeRedVersion } from "./node-red.ts";

/**
 * A Node-RED of its own, as it runs on another machine: started by nobody's gateway, with a user folder of its own, the
 * package installed from its packed tarball, and steered over its admin HTTP API.
 */
export interface NodeRedElsewhere extends AsyncDisposable {
  /** Asks the admin API; a body is sent as JSON by POST. */
  admin(path: string, options?: AdminOptions): Promise<Response>;
  /** What a node says below its picture, as the editor hears it; undefined where it says nothing. */
  status(node: string): NodeStatus | undefined;
}

export interface AdminOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface NodeStatus {
  readonly fill?: string;
  readonly text?: string;
}

const PATIENCE_MS = 120_000;
const SAID_MAX = 10_000;

/** Resolves when its editor is there. */
export async function openNodeRedElsewhere({
  version,
  folder,
}: {
  readonly version: NodeRedVersion;
  readonly folder: string;
}): Promise<NodeRedElsewhere> {
  const userDir = join(folder, "user");
  installPacked({ folder, userDir });
  const port = await freePort();
  writeFileSync(join(userDir, "settings.js"), `module.exports = ${JSON.stringify(settingsFor(port))};\n`);
  const entry = join(NODE_RED_FOLDERS[version], "node_modules", "node-red", "red.js");
  const child = spawn(process.execPath, [entry, "--userDir", userDir], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", HOME: folder },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => (said = (said + bytes.toString()).slice(-SAID_MAX)));
  const url = `http://127.0.0.1:${port}`;
  const admin = (path: string, { body, headers }: AdminOptions = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const isUp = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`Node-RED ${version} ended: ${said}`);
    return admin("/settings").then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await eventually(`Node-RED ${version} is up`, isUp, PATIENCE_MS);
  const heard = await hearStatus(port);
  return {
    admin,
    status: (node) => heard.of.get(node),
    async [Symbol.asyncDispose]() {
      heard.close();
      const ended = once(child, "exit");
      if (child.kill("SIGKILL")) await ended;
    },
  };
}

/** It asks the internet for nothing. */
const settingsFor = (port: number): object => ({
  ...{ uiHost: "127.0.0.1", uiPort: port, flowFile: "flows.json", credentialSecret: "of this machine" },
  ...{ lang: "en-US", telemetry: { enabled: false, updateNotification: false } },
  editorTheme: { palette: { catalogues: [] }, tours: false },
  externalModules: { autoInstall: false },
});

/** The channel by which the editor hears of nodes: lists of topics, "status/" and the node's id. */
async function hearStatus(port: number): Promise<{ of: ReadonlyMap<string, NodeStatus>; close(): void }> {
  const of = new Map<string, NodeStatus>();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/comms`);
  socket.addEventListener("message", ({ data }) => {
    const said = [JSON.parse(String(data)) as { topic: string; data: NodeStatus }].flat();
    for (const { topic, data: status } of said)
      if (topic?.startsWith("status/")) of.set(topic.slice("status/".length), status);
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ subscribe: "status/#" }));
  return { of, close: () => socket.close() };
}
