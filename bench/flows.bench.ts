import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../cli/demo/ports.ts";
import { nodeRedPackage } from "../gateway/flows/node-red.ts";
import { ALL_RIGHTS } from "../gateway/flows/rights.ts";
import { openFlowTokens } from "../gateway/flows/tokens.ts";
import { messageOf } from "../domain/model/index.ts";
import { round, loadNow, type Bench, type BenchContext, type Figure } from "./bench.ts";
import { startGateway } from "./support/gateway.ts";

/** Messages that go round: what a village of a hundred meters says in half an hour. */
const MESSAGES = 20_000;
const AT_ONCE = 200;
const SETTLE_MS = 5_000;
const PATIENCE_MS = 180_000;

/** What an operator would draw: hear, reckon, write. */
const FLOW = [
  { id: "tab", type: "tab", label: "bench" },
  { id: "g", type: "fieldwatt-gateway", name: "", url: "" },
  {
    ...{ id: "in", type: "fieldwatt-stream", z: "tab", gateway: "g", streams: "source/*", from: "start" },
    wires: [["double"]],
  },
  {
    ...{ id: "double", type: "function", z: "tab", func: "msg.payload *= 2; return msg;", outputs: 1 },
    wires: [["out"]],
  },
  {
    ...{ id: "out", type: "fieldwatt-reading", z: "tab", gateway: "g", device: "copy" },
    ...{ quantity: "activePower", wires: [[]] },
  },
];

export const bench: Bench = {
  name: "flows",
  about:
    "readings through stream, function and reading of a Node-RED 5 beside the gateway, and what that takes",
  run,
};

async function run(context: BenchContext): Promise<readonly Figure[]> {
  try {
    nodeRedPackage(undefined);
  } catch (error) {
    context.note(`skipped: ${messageOf(error)}`);
    return [];
  }
  const without = await memoryOf(writeSite(join(context.folder, "without"), {}), context);
  const withFlows = await throughFlow(context);
  const figure = (name: string, value: number, unit: string): Figure => ({
    ...{ bench: "flows", figure: name, value: round(value), unit, load: loadNow() },
  });
  return [
    figure("messages a second through stream, function, reading", withFlows.perSecond, "1/s"),
    figure("resident memory of the gateway without flows:", without, "MB"),
    figure("resident memory of the gateway with flows:, idle", withFlows.idle, "MB"),
    figure("resident memory of Node-RED, idle", withFlows.nodeRedIdle, "MB"),
    figure("resident memory of the gateway with flows:, after the load", withFlows.loaded, "MB"),
  ];
}

function writeSite(folder: string, flows: object): { file: string; record: string; users: [] } {
  const data = join(folder, "data");
  mkdirSync(join(data, "flows"), { recursive: true });
  const virtual = (id: string) => ({
    ...{ id, device: "senml-pack", mounting: "load", member: "member-1", connection: { kind: "virtual" } },
  });
  const site = {
    ...{
      id: "bench",
      name: "Bench",
      timeZone: "Africa/Nairobi",
      latitude: 0,
      longitude: 37,
      elevation: 1600,
    },
    members: [{ id: "member-1", name: "Member" }],
    devices: [virtual("source"), virtual("copy")],
    portal: { port: 0 },
    ...flows,
  };
  writeFileSync(join(data, "flows", "flows.json"), JSON.stringify(FLOW));
  const file = join(folder, "site.yaml");
  writeFileSync(file, JSON.stringify(site, null, 2));
  return { file, record: join(data, "record.sqlite"), users: [] };
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

async function memoryOf(site: ReturnType<typeof writeSite>, { folder }: BenchContext): Promise<number> {
  await using gateway = await startGateway(site, join(folder, "without.log"));
  await rest(SETTLE_MS);
  return gateway.memory().now;
}

async function throughFlow({ folder }: BenchContext) {
  const port = await freePort();
  const at = join(folder, "with");
  const site = writeSite(at, { flows: { nodeRed: { port } } });
  await using tokens = openFlowTokens({
    folder: join(at, "data"),
    wallNow: () => Date.now(),
    entropy: randomBytes,
  });
  const { token } = tokens.add({ name: "bench", rights: ALL_RIGHTS, days: 1 });
  await using gateway = await startGateway(site, join(folder, "with.log"));
  const api = callsOf(`http://127.0.0.1:${gateway.portalPort}/api/flows/v1`, token);
  // One goes round: the flow is there.
  await api.write(0, 1);
  await api.copied(1);
  await rest(SETTLE_MS);
  const [idle, nodeRedIdle] = [gateway.memory().now, childMemory(gateway.pid)];
  const begun = performance.now();
  const all = api.copied(MESSAGES);
  for (let i = 1; i <= MESSAGES; i += AT_ONCE) await api.write(i, Math.min(AT_ONCE, MESSAGES - i + 1));
  await all;
  const perSecond = (MESSAGES * 1_000) / (performance.now() - begun);
  return { perSecond, idle, nodeRedIdle, loaded: gateway.memory().now };
}

function callsOf(url: string, token: string) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  let place = "start";
  return {
    async write(from: number, count: number): Promise<void> {
      const writes = Array.from({ length: count }, (_, i) => ({
        ...{ device: "source", id: `bench ${from + i}`, values: { activePower: from + i + 1 } },
      }));
      const answer = await fetch(`${url}/readings`, {
        method: "POST",
        headers,
        body: JSON.stringify({ writes }),
      });
      if (!answer.ok) throw new Error(`the gateway took no readings: ${await answer.text()}`);
    },
    /** Resolves when so many copies more are durable. */
    async copied(count: number): Promise<void> {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const query = new URLSearchParams({ cursor: place, streams: "copy/*" });
      const answer = await fetch(`${url}/stream?${query}`, { headers, signal });
      let [text, seen] = ["", 0];
      for await (const chunk of answer.body ?? []) {
        const events = (text + Buffer.from(chunk as Uint8Array).toString()).split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) {
          const data = /^data: (.*)$/m.exec(event)?.[1];
          if (data === undefined) continue;
          const { cursor, readings } = JSON.parse(data) as { cursor: string; readings: unknown[] };
          [place, seen] = [cursor, seen + readings.length];
        }
        if (seen >= count) return;
      }
    },
  };
}

/** Resident memory of the one child that a process has, MB. */
function childMemory(pid: number): number {
  const [child = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child}/status`, "utf8"))?.[1]) / 1024;
}
