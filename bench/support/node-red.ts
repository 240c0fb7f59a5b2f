import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../cli/demo/ports.ts";
import { end, processorMs } from "./gateway.ts";
import { nodeRed } from "./install-peers.ts";

/** How long Node-RED may take to start its flows, ms. */
const PATIENCE_MS = 60_000;

export interface NodeRed extends AsyncDisposable {
  /** From exec to the line "Started flows", ms. */
  readonly startMs: number;
  /** Processor time until then, ms. */
  readonly startCpuMs: number;
  readonly pid: number;
}

/** Starts Node-RED with these flows in a folder of its own; undefined where it is not installed. */
export async function startNodeRed(folder: string, flows: readonly object[]): Promise<NodeRed | undefined> {
  const entry = nodeRed();
  if (entry === undefined) return undefined;
  mkdirSync(folder, { recursive: true });
  const settings = {
    uiPort: await freePort(),
    uiHost: "127.0.0.1",
    flowFile: "flows.json",
    httpAdminRoot: false,
  };
  writeFileSync(join(folder, "settings.js"), `module.exports = ${JSON.stringify(settings)};\n`);
  writeFileSync(join(folder, "flows.json"), JSON.stringify(flows));
  const start = performance.now();
  const child = spawn(process.execPath, [entry, "--userDir", folder], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("Node-RED did not start its flows")), PATIENCE_MS);
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-10_000);
      if (!said.includes("Started flows")) return;
      clearTimeout(late);
      resolve();
    });
    child.once("exit", () => reject(new Error(`Node-RED ended: ${said.slice(-500)}`)));
  });
  const pid = child.pid ?? 0;
  return {
    startMs: performance.now() - start,
    startCpuMs: processorMs(pid),
    pid,
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** What a user would draw: MQTT in, a function that makes line protocol, a request to InfluxDB for each message. */
export function flowsToInflux(mqttPort: number, writeUrl: string): object[] {
  const line = `const m = JSON.parse(msg.payload);
const n = (context.get("n") || 0) + 1;
context.set("n", n);
const fields = Object.entries({ ...m, ...m.aenergy }).filter(([, v]) => typeof v === "number").map(([k, v]) => k + "=" + v);
msg.payload = "meter,device=" + msg.topic.split("/")[0] + " " + fields.join(",") + " " + (BigInt(Date.now()) * 1000000n + BigInt(n % 1000000));
return msg;`;
  const z = "tab";
  return [
    { id: z, type: "tab", label: "meters" },
    {
      id: "broker",
      type: "mqtt-broker",
      broker: "127.0.0.1",
      port: String(mqttPort),
      clientid: "node-red",
      keepalive: "60",
    },
    {
      id: "in",
      type: "mqtt in",
      z,
      topic: "+/status/#",
      qos: "1",
      datatype: "utf8",
      broker: "broker",
      wires: [["line"]],
    },
    { id: "line", type: "function", z, func: line, outputs: 1, wires: [["write"]] },
    { id: "write", type: "http request", z, method: "POST", ret: "txt", url: writeUrl, wires: [[]] },
  ];
}
