import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { addMs, dayBounds, dayOf, memberId, SLOT_MS } from "../../domain/model/index.ts";
import { eventually as within } from "../scenarios/kit.ts";
import { openCoilServer, type CoilServer } from "../support/coil-server.ts";
import { openFlowsGateway, type FlowsGateway } from "../support/flows-gateway.ts";
import { nodeRedIsMissing, requireOfNodeRed } from "../support/node-red.ts";

/**
 * The nodes in Node-RED's own test runtime (node-red-node-test-helper), against a gateway on a real port. Starter flows
 * run here as they are imported, and what they do is seen at the gateway.
 */
interface Helper {
  init(runtime: string): void;
  startServer(done: () => void): void;
  stopServer(done: () => void): void;
  load(nodes: unknown, flow: object[], credentials: object): Promise<void>;
  unload(): Promise<void>;
  getNode(id: string): RunningNode;
}
interface RunningNode {
  receive(msg: object): void;
  on(event: string, listener: (...args: never[]) => void): void;
}
type Msg = Record<string, unknown> & { payload: unknown };

/** Bounds alone: everything here is waited for. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: PATIENCE_MS });

const folder = join(import.meta.dirname, "..", "..", "flows");
const requireHere = createRequire(join(folder, "package.json"));
const missing = nodeRedIsMissing();
const eventually: typeof within = (what, probe) => within(what, probe, PATIENCE_MS);
let gateway: FlowsGateway;
let relay: CoilServer;
let helper: Helper;
let nodes: unknown[];

const actuator = (id: string, coil: number, more: object = {}) => ({
  ...{
    id,
    name: id,
    watchdog: "3 s",
    connection: { kind: "modbus-tcp", host: "127.0.0.1", port: relay.port, coil },
  },
  ...more,
});

describe.skipIf(missing)("the nodes", () => {
  beforeAll(async () => {
    relay = await openCoilServer();
    gateway = await openFlowsGateway({
      flows: {
        actuators: [
          actuator("pump", 1),
          actuator("locked", 3, { onlyWhile: [{ stream: "tank/tankLevel", below: -1 }] }),
          actuator("filler", 4, { onlyWhile: [{ stream: "tank/tankLevel", below: 2 }] }),
        ],
      },
    });
    const load = requireOfNodeRed();
    helper = load("node-red-node-test-helper") as Helper;
    helper.init(load.resolve("node-red"));
    const core = (name: string): unknown => load(`@node-red/nodes/core/${name}`);
    nodes = [
      requireHere("./nodes/fieldwatt.js"),
      core("function/10-function.js"),
      core("function/89-trigger.js"),
      core("common/20-inject.js"),
    ];
    await new Promise<void>((resolve) => helper.startServer(resolve));
  });
  afterEach(() => helper.unload());
  afterAll(async () => {
    await new Promise<void>((resolve) => helper.stopServer(resolve));
    await gateway[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
  });

  const load = async (flow: object[]): Promise<void> => {
    const credentials = Object.fromEntries(
      (flow as { id: string; type: string }[])
        .filter(({ type }) => type === "fieldwatt-gateway")
        .map(({ id }) => [id, { token: gateway.token(EVERYTHING) }]),
    );
    await helper.load(nodes, flow, credentials);
  };
  const config = () => ({ id: "g", type: "fieldwatt-gateway", url: gateway.url });
  const one = (type: string, settings: object, outputs = 1) => [
    config(),
    ...[{ id: "n", type: `fieldwatt-${type}`, gateway: "g", wires: outputsTo(outputs), ...settings }],
    ...Array.from({ length: outputs }, (_, i) => ({ id: `out-${i}`, type: "helper" })),
  ];
  const outputsTo = (outputs: number) => Array.from({ length: outputs }, (_, i) => [`out-${i}`]);
  const next = (id = "out-0"): Promise<Msg> =>
    new Promise((resolve) => helper.getNode(id).on("input", (msg: Msg) => resolve(msg)));
  let written = 0;
  const meter = (device: string, values: object, time?: number) =>
    gateway.call("/api/flows/v1/readings", {
      method: "POST",
      body: { writes: [{ device, id: `meter ${++written}`, values, ...(time !== undefined && { time }) }] },
    });
  const alerts = () => gateway.store.read.prepare("SELECT key, severity, text FROM flow_alert").all();

  it("stream and reading: what is heard goes on, is written, and is durable before it goes further", async () => {
    const flow = [
      config(),
      { id: "s", type: "fieldwatt-stream", gateway: "g", streams: "roof/*", wires: [["f"]] },
      { id: "f", type: "function", func: "msg.payload *= 2; return msg;", outputs: 1, wires: [["w"]] },
      {
        ...{
          id: "w",
          type: "fieldwatt-reading",
          gateway: "g",
          device: "forecast",
          quantity: "solarIrradiance",
        },
        wires: [["out-0"]],
      },
      { id: "out-0", type: "helper" },
    ];
    await load(flow);
    const out = next();
    await eventually("a reading went round", async () => {
      await meter("roof", { activePower: 210 });
      return Promise.race([out, new Promise<false>((resolve) => setTimeout(resolve, 200, false))]);
    });
    const { written: kept } = (await out) as unknown as { written: { time: number } };
    const sql = gateway.store.readings.between("forecast/solarIrradiance" as never, {
      from: kept.time as never,
      to: (kept.time + 1) as never,
    });
    expect(sql.map(({ value }) => value)).toEqual([420]);
  });

  it("reading: what the gateway refuses is an error of the message, not done", async () => {
    await load(one("reading", { device: "nobody", quantity: "activePower" }));
    const failed = new Promise<Error>((resolve) =>
      helper.getNode("n").on("call:error", (call: { args: Error[] }) => resolve(call.args[0] as Error)),
    );
    helper.getNode("n").receive({ payload: 1 });
    expect((await failed).message).toContain('no virtual device "nobody"');
  });

  it("balance: unknown is null, never zero", async () => {
    await load(one("balance", { of: "house-02" }));
    const out = next();
    helper.getNode("n").receive({});
    expect((await out).payload).toMatchObject({
      of: "house-02",
      balance: null,
      now: { using: null, grid: null },
    });
  });

  it("balance: of all members, one message for each whom the token may see", async () => {
    await load(one("balance", { of: "members" }));
    const members: unknown[] = [];
    const both = new Promise<void>((resolve) =>
      helper.getNode("out-0").on("input", ({ member, payload }: Msg & { payload: { of: string } }) => {
        if (members.push([member, payload.of]) === 2) resolve();
      }),
    );
    helper.getNode("n").receive({});
    await both;
    expect(members).toEqual([
      ["house-01", "house-01"],
      ["house-02", "house-02"],
    ]);
  });

  it("advice: null where there is none yet", async () => {
    await load(one("advice", { member: "house-01" }));
    const out = next();
    helper.getNode("n").receive({});
    expect(await out).toMatchObject({ member: "house-01", payload: null });
  });

  it("alert: is on the page, and says that there is no modem", async () => {
    await load(one("alert", { key: "gate", severity: "info", sms: true }));
    const out = next();
    helper.getNode("n").receive({ payload: "The gate is open" });
    expect((await out).alert).toEqual({ sms: "noModem" });
    expect(alerts()).toContainEqual({ key: "gate", severity: "info", text: "The gate is open" });
  });

  it.each([
    ["by its own setting", { to: "house-01" }, {}],
    ["by the message's", { to: "" }, { to: "house-01" }],
  ])("alert: to a member is on that member's page alone, %s", async (_how, settings, msg) => {
    await load(one("alert", { key: "own", ...settings }));
    const out = next();
    helper.getNode("n").receive({ payload: "Your tank is low", ...msg });
    expect((await out).alert).toEqual({ sms: "none", members: 1 });
    const sql = "SELECT member, text FROM member_alert WHERE key = 'own'";
    expect(gateway.store.read.prepare(sql).all()).toEqual([{ member: "house-01", text: "Your tank is low" }]);
    expect(alerts().map(({ key }) => key)).not.toContain("own");
  });

  it("command: holds for as long as the flow lives, and falls back to safe when it is gone", async () => {
    await load(one("command", { actuator: "pump", hold: true }, 2));
    const out = next();
    helper.getNode("n").receive({ payload: true });
    expect((await out).payload).toMatchObject({ state: "on" });
    // Said again by itself: a third of the watchdog's time each.
    const writes = () => relay.writes.filter((write) => write === "1 on").length;
    await eventually("the command is said again", () => writes() >= 3);
    await helper.unload();
    await eventually("the pump is off", () => !relay.on.has(1));
  });

  it.each([
    ["what an interlock forbids is the second output's", "locked", "on", { because: "interlock" }],
    ["off is never locked", "locked", "off", undefined],
  ])("command: %s", async (_what, name, payload, refused) => {
    await load(one("command", { actuator: name, hold: false }, 2));
    const out = next(refused ? "out-1" : "out-0");
    helper.getNode("n").receive({ payload });
    expect((await out).payload).toMatchObject({ actuator: name, ...refused });
  });

  it("command: a flow hears, too, when an interlock ends what it held", async () => {
    await meter("tank", { tankLevel: 1 });
    await load(one("command", { actuator: "filler", hold: true }, 2));
    const [on, over] = [next(), next("out-1")];
    helper.getNode("n").receive({ payload: "on" });
    await on;
    await meter("tank", { tankLevel: 2.5 });
    expect((await over).payload).toMatchObject({ actuator: "filler", state: "on", because: "interlock" });
    expect(relay.on.has(4)).toBe(false);
  });

  it("fault: is refused where the village is no simulated one", async () => {
    await load(one("fault", { fault: "dead:x", seconds: "5" }));
    const failed = new Promise<Error>((resolve) =>
      helper.getNode("n").on("call:error", (call: { args: Error[] }) => resolve(call.args[0] as Error)),
    );
    helper.getNode("n").receive({ payload: "" });
    expect((await failed).message).toContain("may not make faults");
  });

  // What each of them does in a village: test/scenarios/starter-flows.test.ts.
  describe("a starter flow", () => {
    /** As it is imported; only the address is filled in. */
    const starter = (name: string): object[] =>
      (JSON.parse(readFileSync(join(folder, "examples", `${name}.json`), "utf8")) as { type: string }[]).map(
        (node) => (node.type === "fieldwatt-gateway" ? { ...node, url: gateway.url } : node),
      );
    const MINUTE = 60_000;
    /** Says it until it shows: a stream begins to listen at its own time. */
    const until = (what: string, say: () => Promise<unknown>, shows: () => boolean) =>
      eventually(what, async () => {
        await say();
        await new Promise((resolve) => setTimeout(resolve, 100));
        return shows();
      });
    const alert = (key: string, text: RegExp) =>
      alerts().some((row) => row.key === key && text.test(String(row.text)));

    it("frost alert: says it before the frost is there", async () => {
      await load(starter("frost-alert"));
      const start = gateway.clock.now() - 90 * MINUTE;
      let i = 0;
      await until(
        "the alert",
        () =>
          meter(
            "household-01-weather",
            { airTemperature: 6 - i * 0.3 },
            start + i++ * 10 * MINUTE - Math.floor(i / 9) * MINUTE,
          ),
        () => alert("frost", /Frost is near/),
      );
    });

    it("evening report: in words, and what is unknown is said to be", async () => {
      await load(starter("evening-report"));
      helper.getNode("evening-seven").receive({});
      await eventually("the report", () => alert("evening", /nothing is known|the sun made/));
    });

    it("evening report: each member has their own day, in the language that they chose, and nobody else's", async () => {
      await gateway.store.run("saveSummaries", { intervals: [], summaries: anHourOfToday(), progress: {} });
      gateway.accounts.setLanguage("house-01", "en");
      await load(starter("evening-report"));
      const report = (member: string) =>
        gateway.store.read
          .prepare("SELECT text FROM member_alert WHERE member = ? AND key = 'evening'")
          .all(member)
          .map(({ text }) => String(text));
      const told = async (member: string, text: RegExp) => {
        helper.getNode("evening-seven").receive({});
        await eventually(`${member} reads ${text}`, () => text.test(report(member)[0] ?? ""));
        expect(report(member)).toHaveLength(1);
      };
      // By hand: four times 1,050, 1,500 and 250 Wh.
      await told("house-01", /: you used 4\.2 kWh, your sun made 6\.0 kWh, 1\.0 kWh came from the grid/);
      await told("house-02", /: nothing is known of your energy yet \/ bado hakuna kinachojulikana/);
      gateway.accounts.setLanguage("house-01", "sw");
      await told("house-01", /: umetumia kWh 4\.2, jua lako limetengeneza kWh 6\.0, kWh 1\.0 kutoka gridi/);
      gateway.accounts.setLanguage("house-02", "sw");
      await told("house-02", /: bado hakuna kinachojulikana kuhusu umeme wako\.$/);
      expect(report("house-02")[0]).not.toContain("4.2");
    });
  });
});

/** What the summariser would have closed of house-01: the first four quarter hours of this day in Nairobi. */
function anHourOfToday() {
  const { start } = dayBounds(dayOf(gateway.clock.now(), "Africa/Nairobi"), "Africa/Nairobi");
  const wh = { import: 250, export: 700, production: 1_500, consumption: 1_050, selfConsumption: 800 };
  const balance = { ...wh, charge: 0, discharge: 0 } as never;
  return [0, 1, 2, 3].map((i) => {
    const time = addMs(start, i * SLOT_MS);
    const summary = {
      ...{ kind: "energyInterval" as const, member: memberId("house-01"), start: time, balance },
      provenance: "counted" as const,
    };
    return { key: String(time), time, summary };
  });
}

const EVERYTHING = {
  ...{ streams: ["*"], devices: ["*"], members: ["*"], commands: ["*"], summaries: ["*"] },
  ...{ alerts: true, faults: true },
};
