import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../cli/demo/ports.ts";
import { deviceId, instant, streamId } from "../../domain/model/index.ts";
import { openCoilServer, type CoilServer } from "../support/coil-server.ts";
import { chromiumIsMissing, openBrowser } from "../support/browser.ts";
import { openFlowsGateway, type FlowsGateway } from "../support/flows-gateway.ts";
import { copyFlow, installPacked, nodeRedIsMissing, PACKAGE_FOLDER } from "../support/node-red.ts";
import { eventually } from "./kit.ts";

/**
 * A real Node-RED 5, started and watched by a gateway, with the package installed from its packed tarball: as a site
 * runs it. Only time-outs bound how long something may take.
 */
const PATIENCE_MS = 120_000;
const missing = nodeRedIsMissing();

let folder: string;
let gateway: FlowsGateway;
let relay: CoilServer;
let editor: string;

describe.skipIf(missing)("Node-RED beside a gateway", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "fieldwatt-node-red-"));
    installPacked({ folder, userDir: join(folder, "data", "flows") });
    relay = await openCoilServer();
    const port = await freePort();
    gateway = await openFlowsGateway({
      folder: join(folder, "data"),
      flows: {
        nodeRed: { port },
        actuators: [
          {
            ...{ id: "pump", name: "Pump", watchdog: "1 h" },
            connection: { kind: "modbus-tcp", host: "127.0.0.1", port: relay.port, coil: 1 },
          },
        ],
      },
    });
    editor = `http://127.0.0.1:${port}`;
    await isUp();
  }, PATIENCE_MS);
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }, PATIENCE_MS);

  const isUp = () => eventually("Node-RED is up", () => gateway.flows.nodeRed()?.up, PATIENCE_MS);
  let written = 0;
  const meter = async (device: string, values: object): Promise<void> => {
    const body = { writes: [{ device, id: `meter ${++written}`, values }] };
    const { status } = await gateway.call("/api/flows/v1/readings", { method: "POST", body });
    expect(status).toBe(200);
  };
  const session = (): string => `fieldwatt-gateway=${gateway.accounts.openSession("operator")}`;
  /** The editor's pass of a session of the portal, as the browser gets it. */
  const passOf = async (cookie: string): Promise<string> => {
    const options = { headers: { cookie }, redirect: "manual" as const };
    const answer = await fetch(`${gateway.url}/operator/flows/editor`, options);
    return new URL(answer.headers.get("location") ?? "").searchParams.get("access_token") ?? "";
  };
  const admin = (path: string, pass: string, body?: unknown) =>
    fetch(`${editor}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${pass}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const starter = (name: string): { id: string; type: string }[] =>
    JSON.parse(readFileSync(join(PACKAGE_FOLDER, "examples", `${name}.json`), "utf8"));
  const rowsOf = (quantity: "activePower" | "solarIrradiance", device: string) =>
    gateway.store.readings
      .between(streamId(deviceId(device), quantity), {
        from: instant(0),
        to: instant(gateway.clock.now() + 3_600_000),
      })
      .map(({ value }) => value);

  it(
    "opens its editor to the operator's session alone, and closes it with that",
    async () => {
      expect((await fetch(`${editor}/flows`)).status).toBe(401);
      const away = await fetch(editor, { redirect: "manual" });
      expect(away.headers.get("location")).toBe(`${gateway.url}/operator/flows/editor`);
      const cookie = session();
      const pass = await passOf(cookie);
      const nodes = (await (await admin("/nodes", pass)).text()).includes("node-red-contrib-fieldwatt");
      expect(nodes).toBe(true);
      gateway.accounts.closeSession(cookie.split("=")[1] ?? "");
      await eventually(
        "the pass is over",
        async () => (await admin("/flows", pass)).status === 401,
        PATIENCE_MS,
      );
      const member = `fieldwatt-gateway=${(gateway.accounts.addPerson({ id: "house-01", role: "member" }), gateway.accounts.openSession("house-01"))}`;
      expect(
        (await fetch(`${gateway.url}/operator/flows/editor`, { headers: { cookie: member } })).status,
      ).toBe(403);
    },
    PATIENCE_MS,
  );

  it(
    "killed under load it takes no reading along and leaves nothing on, and goes on where it was",
    async () => {
      const deployed = await admin("/flows", await passOf(session()), [
        ...starter("solar-pump"),
        ...copyFlow({ from: "roof/activePower" }),
      ]);
      expect(deployed.status).toBe(204);
      await eventually(
        "the flow runs the pump",
        async () => {
          await meter("yard-meter", { activePower: -900 });
          return relay.on.has(1);
        },
        PATIENCE_MS,
      );

      const pid = gateway.flows.nodeRed()?.pid ?? 0;
      const restarts = gateway.flows.nodeRed()?.restarts ?? 0;
      for (let value = 1; value <= 200; value++) {
        await meter("roof", { activePower: value });
        if (value === 100) process.kill(pid, "SIGKILL");
      }
      await eventually("what it had switched on is off", () => !relay.on.has(1), PATIENCE_MS);
      await eventually(
        "it is started again",
        () => (gateway.flows.nodeRed()?.restarts ?? 0) > restarts,
        PATIENCE_MS,
      );
      await isUp();
      const every = Array.from({ length: 200 }, (_, i) => i + 1);
      expect(rowsOf("activePower", "roof")).toEqual(every);
      const copied = await eventually(
        "every reading is copied",
        () => {
          const found = rowsOf("solarIrradiance", "forecast");
          return found.length >= every.length && found;
        },
        PATIENCE_MS,
      );
      expect(copied.toSorted((a, b) => a - b)).toEqual(every);
    },
    PATIENCE_MS * 2,
  );

  it(
    "runs on the village's time, not on the machine's",
    async () => {
      const flow = [
        { id: "zone", type: "tab", label: "zone" },
        { id: "g", type: "fieldwatt-gateway", name: "", url: "" },
        {
          ...{ id: "once", type: "inject", z: "zone", props: [], once: true, onceDelay: "0.1", repeat: "" },
          ...{ crontab: "", wires: [["clock"]] },
        },
        {
          ...{ id: "clock", type: "function", z: "zone", outputs: 1, wires: [["say"]] },
          func: "return { payload: new Date(1781503200000).toString() };",
        },
        { id: "say", type: "fieldwatt-alert", z: "zone", gateway: "g", key: "zone", wires: [[]] },
      ];
      expect((await admin("/flows", await passOf(session()), flow)).status).toBe(204);
      const said = await eventually(
        "the flow says what time it is",
        () => gateway.store.read.prepare("SELECT text FROM flow_alert WHERE key = 'zone'").get()?.text,
        PATIENCE_MS,
      );
      // 06:00 UTC is nine in Nairobi.
      expect(said).toContain("09:00:00 GMT+0300");
      // Nothing of it in what the next one sees.
      expect((await admin("/flows", await passOf(session()), [])).status).toBe(204);
      await gateway.store.run("dropAlert", { key: "zone" });
    },
    PATIENCE_MS,
  );

  it.skipIf(chromiumIsMissing())(
    "at a browser: the operator opens the editor, imports a starter flow, deploys it, and sees what it does",
    async () => {
      await using browser = await openBrowser();
      await using visit = await browser.visit({ viewport: { width: 1280, height: 800 } });
      const { page } = visit;
      page.setDefaultTimeout(60_000);
      await page.goto(`${gateway.url}/once/${gateway.accounts.makeLink("operator", { minutes: 5 })}`);
      await page.getByRole("link", { name: "Flows and switches" }).click();
      await page.getByRole("link", { name: "Open the editor" }).click();
      await page.locator("#red-ui-header-button-deploy").waitFor();
      await page.locator("#red-ui-header-button-sidemenu").click();
      await page.getByRole("link", { name: "Import ctrl-i" }).click();
      await page.getByRole("link", { name: "Examples" }).click();
      const examples = page.locator("#red-ui-clipboard-dialog-import-tab-examples");
      await examples.getByText("node-red-contrib-fieldwatt").click();
      await examples.getByText("tank-level").click();
      await page.locator("#red-ui-clipboard-dialog-ok").click();
      await page.locator(".red-ui-tab-label", { hasText: "Tank level" }).click();
      await eventually(
        "its nodes are drawn",
        async () => (await page.locator(".red-ui-flow-node").count()) >= 3,
      );
      await page.locator("#red-ui-header-button-deploy").click();
      await eventually(
        "the flow's alert is kept",
        async () => {
          await meter("yard-tank", { tankLevel: 0.3 });
          return (
            gateway.store.read.prepare("SELECT 1 FROM flow_alert WHERE key = 'tank'").get() !== undefined
          );
        },
        PATIENCE_MS,
      );
      const picture = process.env.FIELDWATT_IMAGES;
      if (picture) {
        await page.locator(".red-ui-notification").first().waitFor({ state: "hidden" });
        await page.screenshot({ path: join(picture, "flows-editor.png") });
      }
      await page.goto(`${gateway.url}/operator/flows`);
      await page.getByText("The tank is low: 0.30 m of water.").waitFor();
      if (picture) await page.screenshot({ path: join(picture, "flows-page.png"), fullPage: true });
    },
    PATIENCE_MS * 2,
  );
});
