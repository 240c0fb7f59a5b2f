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
const GOVERNANCE = `governance:
  officers:
    - { name: Amina, publicKey: FVjljbVyXCHssEYf2n3iZG2Pa5CFzhTFGbJ3MfZYTNM }
    - { name: Baraka, publicKey: X3GM-FAs8nuhjsVwafsj-dQbEKSrK53ALmfppXTA-R4 }
    - { name: Chege, publicKey: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }
  tellers: [m1]
  rule: { quorum: 1/4 }
`;

describe("fieldwatt site check", () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "fieldwatt-site-"))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const check = async (site: string) => {
    const file = join(folder, "site.yaml");
    await writeFile(file, site);
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

  it.each<[string, string, string, RegExp]>([
    [
      "two officers only",
      /    - \{ name: Chege.*\n/.exec(GOVERNANCE)?.[0] ?? "",
      "",
      /^18:3 .*name 3 officers/,
    ],
    ["an officer's key that is none", "11qYAYK", "11q YAYK", /^21:\d+ .*43 characters/],
    [
      "one officer under two names",
      "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      "FVjljbVyXCHssEYf2n3iZG2Pa5CFzhTFGbJ3MfZYTNM",
      /^18:3 .*one key/,
    ],
    ["a teller who is no member", "[m1]", "[m9]", /^22:13 .*there is no member "m9"/],
    ["a quorum of nobody", "1/4", "0/4", /^23:11 .*a quorum is above 0/],
    ["a majority of the few", "{ quorum: 1/4 }", "{ loosen: { majority: 1/3 } }", /^23:\d+ .*from 1\/2 to 1/],
    ["a misspelt rule", "quorum", "quorom", /^23:11 "quorom" is not a known key here/],
  ])("names line and column in governance of %s", async (_what, from, to, line) => {
    expect(await check(GOOD + GOVERNANCE)).toEqual([]);
    expect(await check(GOOD + GOVERNANCE.replace(from, to))).toContainEqual(expect.stringMatching(line));
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
