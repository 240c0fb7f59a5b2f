import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { stringify } from "yaml";
import { startChild, type Child } from "../../cli/demo/children.ts";
import { giveConsents } from "../../cli/demo/consents.ts";
import { demoPolicy, HUB, GATEWAY, hubConfig } from "../../cli/demo/files.ts";
import { foundDemo, governanceOf, madeUpOfficers, type MadeUpOfficer } from "../../cli/demo/founding.ts";
import { freePort } from "../../cli/demo/ports.ts";
import { instant } from "../../domain/model/index.ts";
import { openHubKeys } from "../../federation/hub-keys.ts";
import { setDevicePasswords } from "../../gateway/acquire/device-passwords.ts";
import { openIdentity } from "../../gateway/site/identity.ts";
import { clockLineToText, openClock, type ClockLine } from "../../platform/clock.ts";
import { publicKeyToText, sha256Hex } from "../../protocol/keys.ts";
import { openCommands } from "../../gateway/record/open.ts";
import { openRecordReader, type RecordReader } from "../../gateway/record/reader.ts";

/**
 * A village on real processes for the scenario tests: a hub and a gateway started by the command line, in a folder of
 * their own, with as many Tasmota meters as there are members. The meters are MQTT clients of the test.
 */
export interface Village extends AsyncDisposable {
  readonly folder: string;
  readonly line: ClockLine;
  readonly members: readonly string[];
  readonly passwords: Readonly<Record<string, string>>;
  readonly brokerPort: number;
  readonly hubBrokerPort: number;
  now(): number;
  startHub(): Promise<Child<unknown>>;
  startGateway(): Promise<Child<unknown>>;
  /** A read-only look into the gateway's record, also while it runs. */
  record(): DatabaseSync;
  /** The same with its readings. */
  reader(): RecordReader;
}

export interface VillageOptions {
  readonly members: number;
  /** Village seconds a second. */
  readonly speed: number;
  /** Members who agreed to nothing, by number from 0. */
  readonly silent?: readonly number[];
  /** Where the gateway finds the hub, when something stands in between. */
  readonly uplinkPort?: (hubPort: number) => Promise<number>;
}

const START = Date.UTC(2026, 5, 15, 6, 58);
export const meterOf = (member: string): string => `${member}-meter`;

export async function openVillage(options: VillageOptions): Promise<Village> {
  const folder = await mkdtemp(join(tmpdir(), "fieldwatt-"));
  const at = (...path: string[]) => join(folder, ...path);
  const stop = new AbortController();
  const children: Child<unknown>[] = [];
  const members = Array.from(
    { length: options.members },
    (_, i) => `household-${String(i + 1).padStart(2, "0")}`,
  );
  const [brokerPort, hubBrokerPort] = [await freePort(), await freePort()];
  const uplinkPort = (await options.uplinkPort?.(hubBrokerPort)) ?? hubBrokerPort;
  const line: ClockLine = { world: Date.now(), village: START, speed: options.speed };
  const clock = openClock(() => Date.now(), line);
  for (const part of ["gateway", "hub"]) await mkdir(at(part));
  const passwords = await setDevicePasswords(at("gateway"), members.map(meterOf), randomBytes);
  const officers = madeUpOfficers();
  const policy = await writeConfigs({ folder, officers, members, brokerPort, hubBrokerPort, uplinkPort });
  const agreeing = members.filter((_, i) => !options.silent?.includes(i));
  const agreement = { policy, members: agreeing, given: instant(START - 1000) };
  {
    await using store = await openCommands({ path: at("gateway", "record.sqlite") });
    await foundDemo(store, { policy, members, officers, now: instant(START - 1000) });
    await giveConsents(store, agreement);
  }

  const start = async (name: string, args: string[]): Promise<Child<unknown>> => {
    const child = await startChild<unknown>({
      name,
      args: [...args, "--clock", clockLineToText(line)],
      logFile: at(`${name}.log`),
      signal: stop.signal,
      onEvent: () => undefined,
      onDeath: () => undefined,
    });
    children.push(child);
    return child;
  };

  return {
    folder,
    line,
    members,
    passwords,
    brokerPort,
    hubBrokerPort,
    now: () => clock.now(),
    startHub: () => start("hub", ["hub", "run", "--config", at("hub.yaml")]),
    startGateway: () => start("gateway", ["gateway", "run", "--site", at("site.yaml")]),
    record: () => new DatabaseSync(at("gateway", "record.sqlite"), { readOnly: true }),
    reader: () => openRecordReader(at("gateway")),
    async [Symbol.asyncDispose]() {
      stop.abort();
      for (const child of children.toReversed()) await child[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @returns the policy */
async function writeConfigs(options: {
  folder: string;
  members: readonly string[];
  officers: readonly MadeUpOfficer[];
  brokerPort: number;
  hubBrokerPort: number;
  uplinkPort: number;
}): Promise<object> {
  const { folder, members, officers, brokerPort, hubBrokerPort, uplinkPort } = options;
  const identity = await openIdentity(join(folder, "gateway"), randomBytes);
  const hubKey = publicKeyToText((await openHubKeys(join(folder, "hub"))).publicKey);
  const password = randomBytes(18).toString("base64url");
  const gateway = {
    publicKey: publicKeyToText(identity.keys.publicKey),
    passwordSha256: sha256Hex(password),
  };
  const write = (file: string, value: unknown) => writeFile(join(folder, file), stringify(value));
  await writeFile(join(folder, "hub-password"), password);
  await write(
    "hub.yaml",
    hubConfig({
      ...{ data: join(folder, "hub"), portalPort: 0, brokerPort: hubBrokerPort, gateway },
      officers: governanceOf(officers).officers,
    }),
  );
  const policy = demoPolicy({ hubKey, from: START });
  await write("site.yaml", {
    ...{
      id: GATEWAY,
      name: "Test village",
      timeZone: "Africa/Nairobi",
      latitude: -1.52,
      longitude: 37.26,
      elevation: 1600,
    },
    data: "gateway",
    governance: governanceOf(officers),
    members: members.map((id) => ({ id, name: `Family of ${id}` })),
    devices: members.map((member) => ({
      id: meterOf(member),
      device: "tasmota-energy",
      member,
      mounting: "grid",
      // The test's meters count as fast as a test needs, far beyond any house.
      ratedPower: 1_000_000_000,
      interval: "1 min",
      connection: { kind: "mqtt", topic: `devices/${meterOf(member)}` },
    })),
    broker: { port: brokerPort },
    portal: { port: 0 },
    hub: {
      id: HUB,
      url: `mqtt://127.0.0.1:${uplinkPort}`,
      publicKey: hubKey,
      passwordFile: "hub-password",
    },
  });
  return policy;
}

/** Waits until `probe` gives something; says what was waited for when it does not come. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 15_000,
): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > until) throw new Error(`${what}: not within ${ms} ms`);
    await wait(50);
  }
}

export const rowsOf = (db: DatabaseSync, sql: string): Record<string, unknown>[] =>
  db.prepare(sql).all() as Record<string, unknown>[];
export const one = (db: DatabaseSync, sql: string): number =>
  Number(Object.values(db.prepare(sql).get() ?? {})[0]);

/** What is printed of a process, for a failed test. */
export const logOf = (village: Village, name: string): Promise<string> =>
  readFile(join(village.folder, `${name}.log`), "utf8");
