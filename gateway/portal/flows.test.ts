import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { addMs, deviceId, streamId, type Instant } from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { votedFor, yesTo } from "../../test/support/voted.ts";
import { openCoilServer, type CoilServer } from "../../test/support/coil-server.ts";
import { HUB, NOON, openFlowsGateway, type FlowsGateway } from "../../test/support/flows-gateway.ts";

/** The API of flows over a real socket and a real record; the relay is a TCP server of the test. */
const policy = votedFor([{ id: "farm-advice", kind: "farmDay", recipientKey: HUB.publicKey }]);
let gateway: FlowsGateway;
let relay: CoilServer;
let clock: ManualClock;

beforeAll(async () => {
  relay = await openCoilServer();
  clock = new ManualClock(NOON);
  gateway = await openFlowsGateway({
    clock,
    policy: () => ({ policy }),
    flows: {
      actuators: [
        {
          ...{ id: "pump", name: "Pump", minimumOn: "1 min", minimumOff: "2 min", watchdog: "5 min" },
          onlyWhile: [{ stream: "tank/tankLevel", below: 3 }],
          connection: { kind: "modbus-tcp", host: "127.0.0.1", port: relay.port, coil: 7 },
        },
      ],
    },
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

const write = (device: string, values: object, id: string, token?: string) =>
  gateway.call("/api/flows/v1/readings", {
    method: "POST",
    body: { writes: [{ device, id, values }] },
    ...(token !== undefined && { token }),
  });
const pump = async (state: string, token?: string) => {
  const options = { method: "PUT", body: { state }, ...(token !== undefined && { token }) };
  const answer = await gateway.call("/api/flows/v1/actuators/pump", options);
  return { status: answer.status, ...((await answer.json()) as object) };
};
const kept = (from: Instant) =>
  gateway.store.readings.between(streamId(deviceId("tank"), "tankLevel"), {
    from,
    to: addMs(from, 3_600_000),
  });

/** The next event of a stream with readings in it, or the first of all where `any`. */
async function* eventsOf(
  answer: Response,
): AsyncGenerator<{ cursor: string; readings: { value: number }[] }> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

describe("a token", () => {
  const routes = ["/about", "/stream", "/balance/village", "/advice/house-01", "/actuators"];
  it.each(routes)("is asked for on %s", async (path) => {
    expect((await gateway.call(`/api/flows/v1${path}`, { token: "fwf_nothing" })).status).toBe(401);
  });

  it.each([
    ["/stream", {}, 403],
    ["/balance/house-01", { members: ["house-02"] }, 403],
    ["/balance/house-02", { members: ["house-02"] }, 200],
    ["/advice/house-01", { members: ["house-02"] }, 403],
    ["/balance/nobody", { members: ["*"] }, 404],
  ])("opens what the operator chose: %s with %j is %i", async (path, rights, status) => {
    const answer = await gateway.call(`/api/flows/v1${path}`, { token: gateway.token(rights) });
    expect(answer.status).toBe(status);
  });

  it("that is revoked or over opens nothing, and ends a stream that goes on", async () => {
    const token = gateway.token({ streams: ["*"] });
    const answer = await gateway.call("/api/flows/v1/stream", { token });
    const events = eventsOf(answer);
    await events.next();
    expect(gateway.flows.tokens.revoke(gateway.flows.tokens.list()[0]?.id ?? 0)).toBe(true);
    await write("tank", { tankLevel: 1 }, "a");
    expect((await events.next()).done).toBe(true);
    expect((await gateway.call("/api/flows/v1/about", { token })).status).toBe(401);
  });

  it("lies in the data folder as a hash alone", async () => {
    const token = gateway.token({ alerts: true });
    const { DatabaseSync } = await import("node:sqlite");
    using db = new DatabaseSync(`${gateway.folder}/flow-tokens.sqlite`, { readOnly: true });
    const all = JSON.stringify(db.prepare("SELECT * FROM token").all());
    expect(all).not.toContain(token.slice(4));
  });

  it("of the gateway itself answers in OpenAPI, without one", async () => {
    const document = (await (await fetch(`${gateway.url}/api/flows/openapi.json`)).json()) as {
      paths: object;
    };
    expect(Object.keys(document.paths).sort()).toEqual([
      "/api/flows/v1/about",
      "/api/flows/v1/actuators",
      "/api/flows/v1/actuators/{id}",
      "/api/flows/v1/advice/{member}",
      "/api/flows/v1/alerts",
      "/api/flows/v1/balance/{of}",
      "/api/flows/v1/faults",
      "/api/flows/v1/readings",
      "/api/flows/v1/stream",
      "/api/flows/v1/summaries",
    ]);
  });
});

describe("a reading that a flow writes", () => {
  it("is durable when it is answered, and kept once however often it comes under one id", async () => {
    await clock.advance(3_600_000);
    const start = clock.now();
    const first = await (await write("tank", { tankLevel: 1.5 }, "m-1")).json();
    await clock.advance(60_000);
    expect(await (await write("tank", { tankLevel: 1.5 }, "m-1")).json()).toEqual(first);
    await write("tank", { tankLevel: 1.5 }, "m-2");
    expect(kept(start).map(({ value }) => value)).toEqual([1.5, 1.5]);
    expect(kept(start)[0]?.time).toBe(start);
  });

  it.each([
    ["of a device on a wire or of none", "nobody", { tankLevel: 1 }, 400],
    ["of a quantity that there is not", "tank", { depth: 1 }, 400],
    ["that is no number", "tank", { tankLevel: "full" }, 400],
    ["of nothing", "tank", {}, 400],
  ])("%s is refused", async (_what, device, values, status) => {
    expect((await write(device, values, "x")).status).toBe(status);
  });

  it("needs the right to write that device", async () => {
    expect((await write("tank", { tankLevel: 1 }, "x", gateway.token({ devices: ["roof"] }))).status).toBe(
      403,
    );
    expect((await write("roof", { activePower: 1 }, "x", gateway.token({ devices: ["roof"] }))).status).toBe(
      200,
    );
  });

  it("waits outside while no time is known", async () => {
    clock.trust(false);
    expect((await write("tank", { tankLevel: 1 }, "y")).status).toBe(503);
    clock.trust(true);
  });
});

describe("the stream", () => {
  it("goes on behind its last event after an outage: no gap, no double, and only what the token may hear", async () => {
    const token = gateway.token({ streams: ["*/tankLevel"] });
    const values: number[] = [];
    let cursor = "end";
    for (let outage = 0; outage < 4; outage++) {
      const answer = await gateway.call(`/api/flows/v1/stream?cursor=${cursor}`, { token });
      const events = eventsOf(answer);
      cursor = (await events.next()).value?.cursor ?? cursor;
      // Two while it listens, and more while nobody does.
      for (const i of [0, 1]) await write("tank", { tankLevel: outage * 10 + i }, `on-${outage}-${i}`);
      await write("roof", { activePower: 5 }, `roof-${outage}`);
      while (!values.includes(outage * 10 + 1)) {
        const { value, done } = await events.next();
        expect(done).toBe(false);
        values.push(...(value?.readings ?? []).map((reading: { value: number }) => reading.value));
        cursor = value?.cursor ?? cursor;
      }
      await events.return(undefined);
      for (const i of [2, 3]) await write("tank", { tankLevel: outage * 10 + i }, `off-${outage}-${i}`);
    }
    expect(values).toEqual([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31]);
  });

  it.each(["nonsense", "1:2:3", "-1"])("refuses the cursor %j", async (cursor) => {
    expect((await gateway.call(`/api/flows/v1/stream?cursor=${cursor}`)).status).toBe(400);
  });
});

describe("a command", () => {
  const actuator = () => gateway.flows.actuators.find("pump");
  let before = 0;
  const switchings = () =>
    gateway.store.read
      .prepare("SELECT wanted, outcome, because, by FROM actuator_event WHERE id > ? ORDER BY id")
      .all(before)
      .map((row) => Object.values(row).join(" "));
  const level = (metres: number) => write("tank", { tankLevel: metres }, `level ${clock.now()} ${metres}`);

  /** Off and nobody's, the pump has rested and the tank has room; what was switched before does not count. */
  beforeEach(async () => {
    relay.broken = false;
    await actuator()?.override(undefined, "operator");
    await clock.advance(10 * 60_000);
    await actuator()?.look();
    await clock.advance(10 * 60_000);
    await level(1);
    before = Number(gateway.store.read.prepare("SELECT max(id) AS id FROM actuator_event").get()?.id ?? 0);
  });

  it("switches the coil, is written down, and holds for the watchdog's time alone", async () => {
    expect(await pump("on")).toMatchObject({ status: 200, outcome: "switched", renewWithinMs: 300_000 });
    expect([...relay.on]).toEqual([7]);
    await clock.advance(4 * 60_000);
    await level(1);
    expect(await pump("on")).toMatchObject({ status: 200, outcome: "held" });
    await clock.advance(4 * 60_000);
    await level(1);
    await actuator()?.look();
    expect([...relay.on]).toEqual([7]);
    await clock.advance(61_000);
    await actuator()?.look();
    expect([...relay.on]).toEqual([]);
    expect(switchings()).toEqual(["on switched command test", "off switched watchdog gateway"]);
  });

  it("waits for the minimum times, and says for how long", async () => {
    await pump("on");
    expect(await pump("off")).toMatchObject({ status: 409, because: "minimumOn", waitMs: 60_000 });
    await clock.advance(60_000);
    expect(await pump("off")).toMatchObject({ status: 200, outcome: "switched" });
    expect(await pump("on")).toMatchObject({ status: 409, because: "minimumOff", waitMs: 120_000 });
  });

  it("meets the tank: unknown, old or full is no, and a tank that fills ends it at once", async () => {
    await clock.advance(5 * 60_000 + 1);
    expect(await pump("on")).toMatchObject({ status: 409, because: "interlock", stream: "tank/tankLevel" });
    await level(1);
    expect(await pump("on")).toMatchObject({ status: 200 });
    await level(3.2);
    await actuator()?.look();
    expect([...relay.on]).toEqual([]);
    expect(await pump("on")).toMatchObject({ status: 409, because: "interlock" });
  });

  it("gives way to a person, also over a restart", async () => {
    await actuator()?.override("off", "operator");
    expect(await pump("on")).toMatchObject({ status: 409, because: "manualOverride" });
    expect(gateway.store.read.prepare("SELECT state FROM actuator_override").get()).toEqual({ state: "off" });
    await actuator()?.override(undefined, "operator");
    expect(await pump("on")).toMatchObject({ status: 200 });
  });

  it("that the wire does not take is said and written down, and nothing passes for switched", async () => {
    relay.broken = true;
    expect(await pump("on")).toMatchObject({ status: 502 });
    expect(actuator()?.state()).toMatchObject({ is: "unknown", heldBy: "test" });
    expect(switchings().at(-1)).toContain("on failed");
  });

  it("needs the right to switch that one", async () => {
    expect(await pump("off", gateway.token({ commands: ["other"] }))).toMatchObject({ status: 403 });
  });
});

describe("a summary that a flow hands over", () => {
  const farm = { airTemperatureMin: 14.5, airTemperatureMax: 27, rainfall: 0, coverage: 1 };
  const hand = async (member: string, day: string, token?: string) => {
    const answer = await gateway.call("/api/flows/v1/summaries", {
      ...{ method: "POST", body: { member, day, farm } },
      ...(token !== undefined && { token }),
    });
    return { status: answer.status, ...((await answer.json()) as object) };
  };

  it("leaves by consent alone: the reason of a no is answered, and a yes goes to the gate once", async () => {
    expect(await hand("house-02", "2026-06-14")).toMatchObject({ decision: "deny", because: "noConsent" });
    const offer = policy.offers[0]?.id;
    await gateway.store.run("giveConsent", yesTo(policy, { member: "house-02", given: addMs(NOON, -1e9) }));
    expect(await hand("house-02", "2026-06-14")).toEqual({ status: 200, decision: "release", offer });
    const sql = "SELECT member, key, decided FROM summary WHERE kind = 'farmDay'";
    expect(gateway.store.read.prepare(sql).all()).toEqual([
      { member: "house-02", key: "2026-06-14", decided: 0 },
    ]);
    expect(await hand("house-02", "2026-06-14")).toMatchObject({
      decision: "deny",
      because: "alreadyHanded",
    });
  });

  it.each([
    ["of a day that is not over", "house-02", "2026-06-30", "dayNotOver"],
    ["of a farm that the gateway reads itself", "house-01", "2026-06-14", "summedHere"],
    ["of nobody", "house-99", "2026-06-14", "noSuchMember"],
  ])("%s is refused", async (_what, member, day, because) => {
    expect(await hand(member, day)).toMatchObject({ decision: "deny", because });
  });

  it("needs the right to speak for that member", async () => {
    expect(await hand("house-02", "2026-06-13", gateway.token({ summaries: ["house-01"] }))).toMatchObject({
      status: 403,
    });
  });
});

describe("the operator's page", () => {
  const cookie = () => `fieldwatt-gateway=${gateway.accounts.openSession("operator")}`;
  const page = async () =>
    (await (await fetch(`${gateway.url}/operator/flows`, { headers: { cookie: cookie() } })).text()).replace(
      /\s+/g,
      " ",
    );
  const post = (path: string, fields: Record<string, string>) =>
    fetch(`${gateway.url}${path}`, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { cookie: cookie(), origin: gateway.url },
    });

  it("makes a token once, and revokes it", async () => {
    const text = await (
      await post("/operator/flows/tokens", { name: "yard", days: "30", streams: "*/tankLevel" })
    ).text();
    const token = /fwf_[\w-]{43}/.exec(text)?.[0] ?? "";
    expect((await gateway.call("/api/flows/v1/about", { token })).status).toBe(200);
    expect(await page()).not.toContain(token);
    const [made] = gateway.flows.tokens.list();
    await post(`/operator/flows/tokens/${made?.id}/revoke`, {});
    expect((await gateway.call("/api/flows/v1/about", { token })).status).toBe(401);
  });

  it("shows an alert until somebody is done with it, and switches by hand", async () => {
    const body = { key: "tank", text: "The tank is <empty>", severity: "alarm" };
    expect(await (await gateway.call("/api/flows/v1/alerts", { method: "POST", body })).json()).toEqual({
      sms: "none",
    });
    expect(await page()).toContain("The tank is &lt;empty&gt;");
    await post("/operator/flows/alerts", { key: "tank" });
    expect(await page()).not.toContain("The tank is");
    await post("/operator/flows/switches/pump", { state: "on" });
    expect([...relay.on]).toEqual([7]);
    expect(await page()).toContain("switched by hand");
  });

  it("is for the operator", async () => {
    const answer = await fetch(`${gateway.url}/operator/flows`, { redirect: "manual" });
    expect(answer.headers.get("location")).toBe("/sign-in");
  });
});

it("what is on goes to safe when the gateway ends", async () => {
  await gateway.flows.actuators.find("pump")?.override(undefined, "operator");
  await clock.advance(3 * 60_000);
  await write("tank", { tankLevel: 1 }, "last");
  await pump("on");
  expect([...relay.on]).toEqual([7]);
  await gateway.flows.actuators[Symbol.asyncDispose]();
  expect([...relay.on]).toEqual([]);
});
