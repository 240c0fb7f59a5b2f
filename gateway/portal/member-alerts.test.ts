import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFakeModem, type FakeModem } from "../../test/support/fake-modem.ts";
import { NOON, openFlowsGateway, type FlowsGateway } from "../../test/support/flows-gateway.ts";
import { ManualClock } from "../../platform/clock.ts";
import { flowsProblems, flowsSchema } from "../flows/settings.ts";
import { MEMBER_ALERTS_KEPT } from "../flows/member-alerts.ts";

/** What a flow says to members, over a real socket, a real record and a modem on a pseudo-terminal. */
let modem: FakeModem;
let clock: ManualClock;
let gateway: FlowsGateway;

beforeEach(async () => {
  modem = await openFakeModem();
  clock = new ManualClock(NOON);
  const flows = { modem: { path: modem.path, numbers: ["+254700000009"], perHour: 3 } };
  gateway = await openFlowsGateway({ clock, flows });
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
  await modem[Symbol.asyncDispose]();
});

const tell = async (to: string, text: string, more: { token?: string; key?: string; sms?: boolean } = {}) => {
  const { token, key = text, sms = false } = more;
  const answer = await gateway.call("/api/flows/v1/alerts", {
    ...{ method: "POST", body: { key, to, text, sms, severity: "info" } },
    ...(token !== undefined && { token }),
  });
  return { status: answer.status, ...((await answer.json()) as object) };
};
const as = (person: string, path: string, method = "GET") =>
  fetch(`${gateway.url}${path}`, {
    ...{ method, redirect: "manual" as const },
    headers: {
      cookie: `fieldwatt-gateway=${gateway.accounts.openSession(person)}`,
      origin: gateway.url,
    },
  });
interface Heard {
  readonly id: number;
  readonly text: string;
  readonly sms: boolean | null;
}
const heardBy = async (member: string): Promise<Heard[]> =>
  ((await (await as(member, "/api/alerts")).json()) as { alerts: Heard[] }).alerts;
const textsOf = async (member: string) => (await heardBy(member)).map(({ text }) => text);
const pageOf = async (person: string, path = "/") =>
  (await (await as(person, path)).text()).replace(/\s+/g, " ");

describe("an alert to a member", () => {
  it("stands on that member's page with its time, and on nobody else's", async () => {
    expect(await tell("house-01", "You <used> 4.2 kWh")).toEqual({ status: 200, sms: "none", members: 1 });
    const page = await pageOf("house-01");
    // Noon in Nairobi.
    expect(page).toMatch(/You &lt;used&gt; 4\.2 kWh<\/p> <div> <p class="soft">15 Jun, 12:00/);
    expect(await textsOf("house-01")).toEqual(["You <used> 4.2 kWh"]);
    expect(await pageOf("house-02")).not.toContain("4.2 kWh");
    expect(await textsOf("house-02")).toEqual([]);
    expect(await pageOf("operator", "/operator/flows")).not.toContain("4.2 kWh");
  });

  it("goes when the member is done with it, and another member cannot do that", async () => {
    await tell("house-01", "one");
    await tell("house-01", "two");
    const [two, one] = await heardBy("house-01");
    expect((await as("house-02", `/api/alerts/${one?.id}`, "DELETE")).status).toBe(404);
    await as("house-02", `/alerts/${one?.id}/done`, "POST");
    await as("operator", `/alerts/${one?.id}/done`, "POST");
    expect(await textsOf("house-01")).toEqual(["two", "one"]);
    expect((await as("house-01", `/alerts/${one?.id}/done`, "POST")).headers.get("location")).toBe("/");
    expect((await as("house-01", `/api/alerts/${two?.id}`, "DELETE")).status).toBe(204);
    expect(await textsOf("house-01")).toEqual([]);
  });

  it("takes the place of the last about the same, and who is done with that one is not done with this", async () => {
    await tell("house-01", "yesterday", { key: "evening" });
    const [old] = await heardBy("house-01");
    await tell("house-01", "today", { key: "evening" });
    await as("house-01", `/alerts/${old?.id}/done`, "POST");
    expect(await textsOf("house-01")).toEqual(["today"]);
  });

  it("is one of a bounded number, of which the page shows the newest few", async () => {
    for (let i = 1; i <= MEMBER_ALERTS_KEPT + 2; i++) await tell("house-01", `number ${i}.`);
    const texts = await textsOf("house-01");
    expect(texts).toHaveLength(MEMBER_ALERTS_KEPT);
    expect(texts[0]).toBe(`number ${MEMBER_ALERTS_KEPT + 2}.`);
    const page = await pageOf("house-01");
    expect(page.match(/class="any ">number \d+\./g)).toHaveLength(3);
    expect(page).toContain(`${MEMBER_ALERTS_KEPT - 3} more from before`);
  });

  it("makes the page that is open a page that is old", async () => {
    const version = async () => /data-version="([^"]*)"/.exec(await pageOf("house-01"))?.[1];
    const before = await version();
    await tell("house-01", "new");
    expect(await version()).not.toBe(before);
  });

  it("is in the language of the page", async () => {
    gateway.accounts.setLanguage("house-01", "sw");
    await tell("house-01", "habari");
    expect(await pageOf("house-01")).toContain("<h2>Kwako</h2>");
  });
});

describe("to whom a token may say something", () => {
  it.each([
    ["to a member whom it does not name", { alerts: true, members: ["house-02"] }, "house-01", 403],
    ["to a member whom it names", { alerts: true, members: ["house-02"] }, "house-02", 200],
    ["to a member, without the right to alerts", { members: ["*"] }, "house-01", 403],
    ["to all, where it names only the village", { alerts: true, members: ["village"] }, "members", 403],
    ["to the village", { alerts: true, members: ["*"] }, "village", 404],
    ["to nobody", { alerts: true, members: ["*"] }, "house-99", 404],
    ["to the operator, naming nobody", { alerts: true }, "operator", 200],
  ])("%s: %j", async (_what, rights, to, status) => {
    const told = await tell(to, "x", { token: gateway.token(rights) });
    expect(told.status).toBe(status);
    expect([await textsOf("house-01"), await textsOf("house-02")].flat()).toEqual(
      status === 200 && to !== "operator" ? ["x"] : [],
    );
  });

  it("to all members: those that it names, each on their own page", async () => {
    expect(await tell("members", "all")).toMatchObject({ members: 2 });
    const token = gateway.token({ alerts: true, members: ["house-02", "village"] });
    expect(await tell("members", "some", { token })).toMatchObject({ members: 1 });
    expect([await textsOf("house-01"), await textsOf("house-02")]).toEqual([["all"], ["some", "all"]]);
  });

  it.each(["operator", "members", "village"])("the site file names no member %j", (id) => {
    const site = { flows: flowsSchema.parse({}), devices: [], members: [{ id }] };
    expect(flowsProblems(site)).toMatchObject([{ path: ["members", 0, "id"] }]);
  });
});

describe("a short message to a member", () => {
  const numbers = () => modem.heard.filter((line) => line.startsWith("AT+CMGS"));

  it("goes to the member's number, and both pages say what became of it", async () => {
    expect(await tell("house-01", "You used 4.2 kWh", { sms: true })).toMatchObject({ sms: "sending" });
    await gateway.flows.alerts.quiet();
    expect(modem.heard.slice(-2)).toEqual(['AT+CMGS="+254711000001"', "You used 4.2 kWh"]);
    expect(await heardBy("house-01")).toMatchObject([{ sms: true }]);
    expect(await pageOf("house-01")).toContain("Also sent to your phone.");
  });

  it("to a member without a number is on the page alone", async () => {
    expect(await tell("house-02", "x", { sms: true })).toMatchObject({ sms: "noNumber" });
    expect(await tell("members", "y", { sms: true })).toMatchObject({ sms: "sending", members: 2 });
    await gateway.flows.alerts.quiet();
    expect(numbers()).toEqual(['AT+CMGS="+254711000001"']);
    expect(await heardBy("house-02")).toMatchObject([{ sms: null }, { sms: null }]);
  });

  it("that the network refuses is said to be so", async () => {
    modem.answers['AT+CMGS="+254711000001"'] = "\r\n+CMS ERROR: 330\r\n";
    await tell("house-01", "x", { sms: true });
    await gateway.flows.alerts.quiet();
    expect(await heardBy("house-01")).toMatchObject([{ sms: false }]);
    expect(await pageOf("house-01")).toContain("It could not be sent to your phone.");
  });

  it("that waits behind another is not sent when the gateway ends, and does not hold it up", async () => {
    modem.answers['AT+CMGS="+254700000009"'] = "";
    await tell("operator", "first", { sms: true });
    await tell("house-01", "second", { sms: true });
    await expect.poll(numbers).toEqual(['AT+CMGS="+254700000009"']);
    const ended = gateway.flows.alerts[Symbol.asyncDispose]();
    modem.say("\r\n> ");
    await ended;
    expect(modem.heard.at(-1)).toBe("first");
    expect(await heardBy("house-01")).toMatchObject([{ text: "second", sms: false }]);
  });

  it("counts in the hour's number as the operator's do, and the page has what the modem does not say", async () => {
    for (const to of ["house-01", "operator", "house-01"]) await tell(to, "x", { sms: true });
    expect(await tell("house-01", "late", { sms: true })).toMatchObject({ sms: "tooMany" });
    expect(await tell("operator", "late", { sms: true })).toMatchObject({ sms: "tooMany" });
    await gateway.flows.alerts.quiet();
    expect(numbers()).toHaveLength(3);
    expect(await textsOf("house-01")).toEqual(["late", "x"]);
    await clock.advance(3_600_001);
    expect(await tell("house-01", "later", { sms: true })).toMatchObject({ sms: "sending" });
    await gateway.flows.alerts.quiet();
  });
});
