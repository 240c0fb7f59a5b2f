import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  addMs,
  deviceId,
  instant,
  memberId,
  SLOT_MS,
  streamId,
  wattHours,
  type EnergyIntervalSummary,
  type Instant,
  type Quantity,
  type Reading,
} from "../../domain/model/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import { openAccounts, type Accounts } from "../../platform/web/index.ts";
import type { DeviceState } from "../../gateway/acquire/device-state.ts";
import { createLive } from "../../gateway/acquire/live.ts";
import { openRecord } from "../../gateway/record/open.ts";
import { logSigner, signHead } from "../../gateway/release/egress-log.ts";
import type { Identity } from "../../gateway/site/identity.ts";
import { commitmentOf } from "../../protocol/egress-leaf.ts";
import { generateKeyPair } from "../../protocol/keys.ts";
import type { RecordStore } from "../../gateway/record/store.ts";
import type { Site } from "../../gateway/site/load.ts";
import { villageTime } from "../../gateway/time/time.ts";
import { siteSchema } from "../../gateway/site/schema.ts";
import type { PortalOptions } from "../../gateway/portal/context.ts";
import { votedFor, yesTo } from "./voted.ts";

/**
 * A portal over a real record with one made-up day: 15 June 2026 in Nairobi (UTC+3), 14:40 on the clock.
 * house-01 has a roof and a grid meter, house-02 a grid meter only; the quarter hours from 09:00 to 09:45 of house-01
 * are unknown.
 */
export const MIDNIGHT = instant(Date.UTC(2026, 5, 14, 21));
export const NOW = addMs(MIDNIGHT, (14 * 60 + 40) * 60_000);
const FIRST_UNKNOWN = 36;
const FIRST_KNOWN_AGAIN = 39;
/** The quarter hours that the summariser has closed: through 14:15. */
const CLOSED = 57;

export interface Seeded extends AsyncDisposable {
  readonly options: PortalOptions;
  readonly store: RecordStore;
  readonly accounts: Accounts;
  readonly clock: ManualClock;
  readonly live: ReturnType<typeof createLive>;
  /** One known quarter hour more. */
  closeSlot(): Promise<void>;
}

const connection = { kind: "modbus-tcp", host: "127.0.0.1", port: 502 };
const device = (id: string, member: string, mounting: string) => ({
  id,
  device: "eastron-sdm120",
  member,
  mounting,
  connection,
});

export const seededSite = (folder: string): Site => ({
  ...siteSchema.parse({
    id: "kijiji",
    name: "Kijiji cha Jua",
    timeZone: "Africa/Nairobi",
    latitude: -1.3,
    longitude: 36.8,
    elevation: 1660,
    data: folder,
    members: [
      { id: "house-01", name: "Wanjiru's house" },
      { id: "house-02", name: "Otieno's house" },
    ],
    devices: [
      device("house-01-grid", "house-01", "grid"),
      device("house-01-roof", "house-01", "solar"),
      device("house-02-grid", "house-02", "grid"),
    ],
    portal: { port: 0 },
    hub: { ...HUB, url: "mqtt://127.0.0.1:1", passwordFile: "hub-password" },
  }),
  file: join(folder, "site.yaml"),
});

const HUB = { id: "hub", publicKey: "k".repeat(43) };

const policy = votedFor(
  [
    {
      ...{ id: "trading", title: "Trading with neighbours", recipientKey: HUB.publicKey, retentionDays: 400 },
      purpose: "dpv:FulfilmentOfContractualObligation",
    },
    {
      ...{ id: "field-advice", title: "Advice for the field", kind: "farmDay", retentionDays: 90 },
      ...{ purpose: "dpv:ServicePersonalisation", recipientKey: HUB.publicKey, utcOffsetMinutes: 180 },
    },
  ],
  3,
);

const identity: Identity = { keys: generateKeyPair(), secret: Buffer.alloc(32, 9) };

const states: DeviceState[] = [
  { id: "house-01-grid", state: "ok", failures: 0, lastReading: NOW },
  {
    id: "house-01-roof",
    state: "ok",
    failures: 0,
    lastReading: NOW,
    doubtful: { "voltage/l1": "implausible", cellTemperature: "sentinel" },
  },
  { id: "house-02-grid", state: "backingOff", failures: 4, error: "no answer in 1000 ms" },
];

/** A broker that fell over once, with more in quarantine than a page shows; the last topic is as long as one is kept. */
const broker = {
  state: () => ({
    up: true,
    restarts: 1,
    sharedClientIds: [{ clientId: "ESP_1A2B3C", users: ["house-01-soil", "house-02-pump"] }],
  }),
  quarantined: () =>
    Array.from({ length: 25 }, (_, i) => ({
      device: "house-02-pump",
      topic: i === 0 ? `house-02-pump/${"long".repeat(71)}` : `house-02-pump/${i}`,
      reason: `no JSON: <unexpected> token ${i}`,
      time: addMs(NOW, -i * 60_000),
      times: i + 1,
      bytes: 5,
      payload: "eyJhIjo=",
    })),
};

/** Opens a record in `folder` and fills it. */
export async function openSeeded(folder: string): Promise<Seeded> {
  const clock = new ManualClock(NOW);
  const store = await openRecord({ path: join(folder, "record.sqlite") });
  const accounts = openAccounts({
    path: join(folder, "accounts.sqlite"),
    wallNow: () => Date.now(),
    entropy: (bytes) => randomBytes(bytes),
  });
  const live = createLive();
  live.update(liveReadings(NOW));
  let slot = CLOSED;
  await fill(store);
  const options: PortalOptions = {
    site: seededSite(folder),
    policy: () => ({ policy }),
    store,
    identity,
    live,
    accounts,
    clock,
    time: villageTime(clock),
    log: openLog("portal", { write: (line) => void process.stderr.write(line) }, "error"),
    metrics: { render: () => Promise.resolve("fieldwatt_up 1\n") },
    health: {
      devices: () => states,
      link: () => ({ connected: true, lastReceipt: NOW }),
      broker: () => broker,
    },
  };
  accounts.addPerson({ id: "mwalimu", role: "operator" });
  return {
    options,
    store,
    accounts,
    clock,
    live,
    async closeSlot() {
      await save(store, [summaryAt("house-01", slot)]);
      slot += 1;
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await accounts[Symbol.asyncDispose]();
    },
  };
}

export function liveReadings(time: Instant): Reading[] {
  const reading = (id: string, value: number, quantity: Quantity = "activePower"): Reading => ({
    stream: streamId(deviceId(id), quantity),
    time,
    value,
    quality: "ok",
  });
  return [
    reading("house-01-grid", -812),
    reading("house-01-roof", 1430),
    reading("house-02-grid", 96),
    reading("house-01-grid", 230.1, "voltage"),
  ];
}

/** Production on a half sine from 06:30 to 18:30 with a cloud; a morning and an evening peak of use. */
function summaryAt(member: string, index: number): EnergyIntervalSummary {
  const hour = index / 4;
  const sun = member === "house-01" ? Math.max(0, Math.sin(((hour - 6.5) / 12) * Math.PI)) : 0;
  const cloud = index % 11 === 3 ? 0.45 : 1;
  const production = Math.round(470 * sun * cloud);
  const peak = (at: number, width: number) => Math.exp(-(((hour - at) / width) ** 2));
  const consumption = Math.round(32 + 130 * peak(7, 1) + 60 * peak(12.5, 0.8) + 180 * peak(19.5, 1.5));
  const exported = Math.max(0, production - consumption);
  return {
    kind: "energyInterval",
    member: memberId(member),
    start: addMs(MIDNIGHT, index * SLOT_MS),
    balance: {
      import: wattHours(Math.max(0, consumption - production)),
      export: wattHours(exported),
      production: wattHours(production),
      consumption: wattHours(consumption),
      charge: wattHours(0),
      discharge: wattHours(0),
      selfConsumption: wattHours(production - exported),
    },
    provenance: index === FIRST_KNOWN_AGAIN ? "filled" : "counted",
  };
}

const save = (store: RecordStore, summaries: readonly EnergyIntervalSummary[]): Promise<void> =>
  store.run("saveSummaries", {
    intervals: [],
    summaries: summaries.map((summary) => ({ key: String(summary.start), time: summary.start, summary })),
    progress: {},
  });

async function fill(store: RecordStore): Promise<void> {
  const slots = Array.from({ length: CLOSED }, (_, i) => i);
  const known = slots.filter((i) => i < FIRST_UNKNOWN || i >= FIRST_KNOWN_AGAIN);
  await save(
    store,
    known.map((i) => summaryAt("house-01", i)),
  );
  await save(
    store,
    slots.map((i) => summaryAt("house-02", i)),
  );
  await release(store, { member: "house-01", subject: "a".repeat(32), slots: known.slice(-25) });
  await release(store, { member: "house-02", subject: "b".repeat(32), slots: slots.slice(-1) });
  const head = signHead(store.read, logSigner("kijiji", identity.keys));
  if (head) await store.run("saveHead", { ...head, signed: NOW });
  const [given, expires] = [addMs(MIDNIGHT, -86_400_000), addMs(MIDNIGHT, 300 * 86_400_000)];
  await store.run("giveConsent", yesTo(policy, { member: "house-01", offer: "trading", given, expires }));
  await answers(store, slots.slice(-6));
}

async function release(
  store: RecordStore,
  { member, subject, slots }: { member: string; subject: string; slots: readonly number[] },
): Promise<void> {
  const idOf = store.read.prepare("SELECT id FROM summary WHERE member = ? AND time = ?");
  await store.run("release", {
    denied: [],
    completeThrough: NOW,
    passed: slots.map((index) => {
      const { start, balance, provenance } = summaryAt(member, index);
      const { charge: _, discharge: __, ...sent } = balance;
      const summaryId = Number(idOf.get(member, start)?.id);
      return {
        summaryId,
        member,
        subject,
        recipient: "hub",
        released: addMs(start, SLOT_MS + 60_000),
        item: {
          offer: "trading",
          purpose: "dpv:FulfilmentOfContractualObligation",
          policyVersion: 3,
          summary: { kind: "energyInterval" as const, subject, start, provenance, ...sent },
        },
        leaf: {
          ...{
            version: 1 as const,
            offer: "trading",
            policy: "",
            recipient: "hub",
            members: [commitmentOf(identity.secret, memberId(member), summaryId).hash],
          },
          window: { from: start, to: addMs(start, SLOT_MS) },
        },
      };
    }),
  });
  const sent = store.read
    .prepare("SELECT sequence FROM release WHERE member = ? ORDER BY sequence")
    .all(member);
  const received = sent.slice(0, -1).map(({ sequence }) => ({
    sequence: Number(sequence),
    digest: "0".repeat(64),
    received: NOW,
  }));
  await store.run("trimOutbox", received);
}

async function answers(store: RecordStore, slots: readonly number[]): Promise<void> {
  const clearing = (subject: string) => (index: number) => ({
    kind: "clearing" as const,
    subject,
    slot: addMs(MIDNIGHT, index * SLOT_MS),
    rule: "mid-market-rate" as const,
    currency: "KES",
    retail: 2500,
    feedIn: 1000,
    twiceMid: 3500,
    boughtWh: 0,
    soldWh: 350,
    fromVillageWh: 0,
    toVillageWh: 61,
    paid: 0,
    received: 396,
  });
  const advice = {
    kind: "advice" as const,
    subject: "a".repeat(32),
    day: "2026-06-14",
    model: "fao56-penman-monteith-daily" as const,
    modelVersion: "1",
    referenceEvapotranspiration: 3.88,
    inputs: { airTemperatureMax: 21.5 },
    fallbacks: ["wind 2 m/s (FAO-56 p. 63)"],
  };
  const list = [
    ...slots.map(clearing("a".repeat(32))),
    advice,
    ...slots.slice(-1).map(clearing("b".repeat(32))),
  ];
  await store.run(
    "saveAnswers",
    list.map((answer, i) => ({ sequence: i + 1, received: NOW, answer })),
  );
}
