import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../cli/demo/ports.ts";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openCoilServer, type CoilServer } from "../support/coil-server.ts";
import { openFlowsGateway, type FlowsGateway } from "../support/flows-gateway.ts";
import { copyFlow, nodeRedIsMissing, PACKAGE_FOLDER, type NodeRedVersion } from "../support/node-red.ts";
import { openNodeRedElsewhere, type NodeRedElsewhere } from "../support/node-red-elsewhere.ts";
import { eventually as within } from "./kit.ts";

/**
 * A Node-RED elsewhere, of each version that the package is for: it comes in with a token of the operator's, over the
 * gateway's HTTP alone. Only time-outs bound how long something may take.
 */
const PATIENCE_MS = 120_000;
const VERSIONS: readonly NodeRedVersion[] = [4, 5];
const NODES = ["stream", "reading", "balance", "summary", "advice", "alert", "command", "fault"];
const MODULE = "node-red-contrib-fieldwatt";
const TYPES = ["gateway", ...NODES].map((name) => `fieldwatt-${name}`);
const JSON_ONLY = { accept: "application/json" };
interface NodeSet {
  readonly module: string;
  readonly types: string[];
  readonly err?: string;
}
const localeOf = (language: string, kind: "html" | "json"): string =>
  readFileSync(join(PACKAGE_FOLDER, "nodes", "locales", language, `fieldwatt.${kind}`), "utf8");
const missing = nodeRedIsMissing();
const eventually: typeof within = (what, probe) => within(what, probe, PATIENCE_MS);
const KEPT_BACK_MS = 2_500;
/** Twice of what comes, in its own time: something is always on its way. */
const SLOW = "setTimeout(() => node.send({ ...msg, payload: 2 * msg.payload }), 300);";
/** What the operator gives the flow: it hears one device and writes one, and switches nothing. */
const RIGHTS = { streams: ["roof/*"], devices: ["forecast"] };

describe.skipIf(missing).each(VERSIONS)("a Node-RED %i elsewhere", (version) => {
  let folder: string;
  let port: number;
  let gateway: FlowsGateway;
  let relay: CoilServer;
  let nodeRed: NodeRedElsewhere;
  let written = 0;

  const openGateway = (): Promise<FlowsGateway> =>
    openFlowsGateway({
      ...{ folder: join(folder, "gateway"), port },
      flows: {
        actuators: [
          {
            ...{ id: "pump", name: "Pump" },
            connection: { kind: "modbus-tcp", host: "127.0.0.1", port: relay.port, coil: 1 },
          },
        ],
      },
    });
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "fieldwatt-elsewhere-"));
    port = await freePort();
    relay = await openCoilServer();
    [gateway, nodeRed] = await Promise.all([openGateway(), openNodeRedElsewhere({ version, folder })]);
  }, PATIENCE_MS);
  afterAll(async () => {
    await nodeRed[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }, PATIENCE_MS);

  /** The meter on the roof says the next numbers. */
  const meter = async (count: number): Promise<void> => {
    const writes = Array.from({ length: count }, () => ({
      ...{ device: "roof", id: `meter ${++written}`, values: { activePower: written } },
    }));
    const { status } = await gateway.call("/api/flows/v1/readings", { method: "POST", body: { writes } });
    expect(status).toBe(200);
  };
  /** Everything that the meter ever said came round, once each, and is durable. */
  const everythingIsCopied = async (): Promise<void> => {
    const span = { from: instant(0), to: instant(gateway.clock.now() + 3_600_000) };
    const copies = await eventually("every reading is copied", () => {
      const stream = streamId(deviceId("forecast"), "solarIrradiance");
      const found = gateway.store.readings.between(stream, span).map(({ value }) => value);
      return found.length >= written && found;
    });
    expect(copies.toSorted((a, b) => a - b)).toEqual(Array.from({ length: written }, (_, i) => 2 * (i + 1)));
  };
  const deploy = async (token: string, type: "full" | "nodes" = "full"): Promise<void> => {
    const flow = [
      ...copyFlow({
        ...{ from: "roof/activePower", func: SLOW },
        gateway: { url: gateway.url, credentials: { token } },
      }),
      {
        ...{ id: "say", type: "inject", z: "copy", props: [{ p: "payload" }], payload: "true" },
        ...{ payloadType: "bool", repeat: "", crontab: "", once: false, wires: [["switch"]] },
      },
      {
        ...{ id: "switch", type: "fieldwatt-command", z: "copy", gateway: "g", actuator: "pump", hold: true },
        wires: [[], []],
      },
    ];
    const answer = await nodeRed.admin("/flows", {
      body: flow,
      headers: { "node-red-deployment-type": type },
    });
    expect(answer.status).toBe(204);
  };
  const says = (node: string, text: RegExp) =>
    eventually(`${node} says ${text}`, () => text.test(nodeRed.status(node)?.text ?? ""));

  it("has every node and its picture", async () => {
    const sets = (await (await nodeRed.admin("/nodes", { headers: JSON_ONLY })).json()) as NodeSet[];
    const own = sets.filter(({ module }) => module === MODULE);
    expect(own.map(({ err }) => err)).toEqual([undefined]);
    expect(own[0]?.types.toSorted()).toEqual(TYPES.toSorted());
    const page = await (await nodeRed.admin("/nodes", { headers: { accept: "text/html" } })).text();
    const pictures = [...page.matchAll(/icon: "font-awesome\/(fa-[\w-]+)"/g)].map(([, name]) => name);
    expect(pictures).toHaveLength(NODES.length);
    const known = await (await nodeRed.admin("/red/red.min.js")).text();
    expect(pictures.filter((name) => !known.includes(`"${name}"`))).toEqual([]);
  });

  it.each(["en-US", "fr", "sw"])("has its words and its help in %s", async (language) => {
    const words = await (await nodeRed.admin(`/nodes/${MODULE}/fieldwatt/messages?lng=${language}`)).json();
    expect(words).toEqual(JSON.parse(localeOf(language, "json")));
    const headers = { accept: "text/html", "accept-language": language };
    const page = await (await nodeRed.admin("/nodes", { headers })).text();
    const helps = [...localeOf(language, "html").matchAll(/data-help-name="([\w-]+)">([^]*?)<\/script>/g)];
    expect(helps.map(([, type]) => type).toSorted()).toEqual(TYPES.toSorted());
    expect(helps.filter(([, , help]) => !page.includes(help?.trim() ?? ""))).toEqual([]);
  });

  it(
    "copies readings durably, and may do what the operator chose and nothing else",
    async () => {
      await meter(20);
      await deploy(gateway.token(RIGHTS));
      await says("in", /listening/);
      await meter(20);
      await everythingIsCopied();
      await nodeRed.admin("/inject/say", { body: {} });
      await says("switch", /^This token may not switch pump/);
      expect(nodeRed.status("switch")?.fill).toBe("red");
      expect(relay.writes).toEqual(["1 off"]);
    },
    PATIENCE_MS,
  );

  it(
    "says that its token is revoked, and goes on with a new one: no gap, no double",
    async () => {
      const [{ id } = { id: 0 }] = gateway.flows.tokens.list();
      // Some are on their way.
      await meter(50);
      expect(gateway.flows.tokens.revoke(id)).toBe(true);
      await meter(50);
      for (const node of ["in", "out"]) await says(node, /^This token opens nothing/);
      // Longer than the stream keeps its place back: what was refused would lie behind it by now.
      await wait(KEPT_BACK_MS);
      await meter(10);
      await deploy(gateway.token(RIGHTS), "nodes");
      await says("in", /listening/);
      await meter(10);
      await everythingIsCopied();
    },
    PATIENCE_MS,
  );

  it(
    "goes on where it was when the gateway was away: no gap, no double",
    async () => {
      await meter(100);
      await gateway[Symbol.asyncDispose]();
      await eventually("it says so", () => nodeRed.status("in")?.fill === "red");
      gateway = await openGateway();
      await meter(10);
      await says("in", /listening/);
      await meter(10);
      await everythingIsCopied();
    },
    PATIENCE_MS,
  );
});
