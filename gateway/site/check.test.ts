import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkSite } from "./check.ts";

const GOOD = `id: village
name: Village
timeZone: Africa/Nairobi
latitude: -1.5
longitude: 37.2
elevation: 1600
members:
  - id: m1
    name: One
devices:
  - id: meter
    device: eastron-sdm120
    member: m1
    mounting: grid
    connection: { kind: modbus-tcp, host: 192.168.1.5 }
portal: { port: 8080 }
`;
const POLICY = `version: 1
previous: null
effective: 2026-01-01T00:00Z
sunset: 2026-12-31T00:00Z
offers: []
`;
const offerTo = (key: string): string => `${POLICY.replace("offers: []\n", "")}offers:
  - id: trading
    lane: ownAccount
    title: Trading
    kind: energyInterval
    purpose: dpv:ServiceProvision
    recipient: federation
    recipientKey: ${key}
    retentionDays: 30
    granularity: quarterHour
    window: { from: 0, to: 2027-01-01T00:00Z }
    unit: Wh
    expires: 2026-12-31T00:00Z
`;
const [HUB_KEY, OTHER_KEY] = ["k".repeat(43), "j".repeat(43)];
const WITH_HUB = `hub: { id: federation, url: "mqtt://hub.example.org", publicKey: ${HUB_KEY}, passwordFile: policy.yaml }
`;

describe("fieldwatt site check", () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "fieldwatt-site-"))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const check = async (site: string, policy: string | undefined = POLICY) => {
    const file = join(folder, "site.yaml");
    await writeFile(file, site);
    await writeFile(join(folder, "policy.yaml"), policy);
    return (await checkSite(file)).map(({ line, column, message }) => `${line}:${column} ${message}`);
  };

  it("finds nothing wrong with a good one", async () => {
    expect(await check(GOOD)).toEqual([]);
  });

  // Line and column count from 1, as editors do.
  it.each<[string, string, string, RegExp]>([
    ["a misspelt key", "mounting: grid", "mountng: grid", /^14:5 "mountng" is not a known key here$/],
    ["a value outside its list", "mounting: grid", "mounting: roof", /^14:5 devices\.0\.mounting: /],
    ["a member that does not exist", "member: m1", "member: m9", /^13:5 .*there is no member "m9"/],
    ["a time zone that does not exist", "Africa/Nairobi", "Africa/Atlantis", /^3:1 .*IANA time zone/],
    ["YAML that does not parse", "id: village", "id: [village", /^\d+:\d+ /],
    ["a device file that does not exist", "eastron-sdm120", "eastron-sdm999", /^12:5 .*eastron-sdm999/],
    [
      "a wire that the device does not speak",
      "eastron-sdm120",
      "victron-mppt",
      /^15:5 .*does not speak over .*modbus-tcp/,
    ],
    [
      "a framing that the device does not have",
      "kind: modbus-tcp, host: 192.168.1.5 }\n",
      "kind: modbus-udp, host: 192.168.1.5 }\n",
      /^15:5 .*eastron-sdm120 does not speak over .*modbus-udp/,
    ],
  ])("names line and column of %s", async (_what, from, to, line) => {
    const problems = await check(GOOD.replace(from, to));
    expect(problems).toContainEqual(expect.stringMatching(line));
  });

  it("tells of two devices under one name, and of an MQTT device without a broker", async () => {
    const second =
      "  - { id: meter, device: tasmota-energy, mounting: grid, connection: { kind: mqtt, topic: a } }\n";
    const problems = await check(GOOD.replace("portal:", `${second}portal:`));
    expect(problems).toEqual([
      expect.stringMatching(/^16:7 .*device "meter" is here twice/),
      expect.stringMatching(/^16:\d+ .*an MQTT device needs broker:/),
    ]);
  });

  it.each([
    ["the hub's own", HUB_KEY, []],
    [
      "another",
      OTHER_KEY,
      [expect.stringMatching(/^12:5 offers\.0\.recipientKey: .*another key for federation/)],
    ],
  ])("holds the key that the policy pins against the hub's: %s", async (_what, key, problems) => {
    expect(await check(GOOD + WITH_HUB, offerTo(key))).toEqual(problems);
  });

  it("looks at the policy, because without it nothing is released", async () => {
    expect(await check(GOOD, POLICY.replace("offers: []", "offers: 3"))).toEqual([
      expect.stringMatching(/^5:1 offers: /),
    ]);
  });

  const HUB = `hub: { id: hub, url: "mqtt://hub.example", publicKey: ${"a".repeat(43)}, passwordFile: none }\n`;
  const MOSQUITTO =
    'externalBroker: { url: "mqtt://127.0.0.1:1883", user: fieldwatt, passwordFile: nowhere }\n';
  it.each<[string, string, RegExp]>([
    ["the hub", HUB, /^17:\d+ .*none cannot be read.*fieldwatt hub enrol/],
    ["a broker that the site has already", MOSQUITTO, /^17:\d+ .*nowhere cannot be read.*at that broker/],
  ])("looks for the password of %s", async (_what, part, line) => {
    expect(await check(GOOD + part)).toEqual([expect.stringMatching(line)]);
  });
});
