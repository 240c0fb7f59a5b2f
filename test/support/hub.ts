import { instant } from "../../domain/model/index.ts";
import { keepEnrolment } from "../../federation/intake/enrolment.ts";
import { policyKeeperOf, type CoopOfficers } from "../../federation/governance/policies.ts";
import { openIntake, type Erased, type PolicyKept, type Received } from "../../federation/intake/intake.ts";
import { witnessOf } from "../../federation/intake/witness.ts";
import { eraserOf } from "../../federation/stewardship/erasure.ts";
import { openStorage, type Storage } from "../../federation/storage/index.ts";
import { ManualClock } from "../../platform/clock.ts";
import { openLog } from "../../platform/log.ts";
import type { PolicyBody, PolicyKeptBody } from "../../protocol/decided.ts";
import type { ErasureAnswer, ErasureRequest } from "../../protocol/erasure.ts";
import { seal } from "../../protocol/envelope.ts";
import type { NoteSigner } from "../../protocol/note.ts";
import { generateKeyPair, publicKeyToText, type KeyPair } from "../../protocol/keys.ts";
import { putPglite, temporaryFolder } from "./pglite-folder.ts";
import type { BatchBody, Body, OutboxItem, SummaryItem } from "../../protocol/messages.ts";

/** A hub's storage and intake with some enrolled gateways, without wires: time stands where the test puts it. */
export const HUB = "hub-1";
export const SLOT = 900_000;
/** 2026-06-15T00:00Z, a Monday. */
export const MIDNIGHT = Date.UTC(2026, 5, 15);

export const subject = (number: number): string => number.toString(16).padStart(32, "0");

export const energy = (
  who: string,
  start: number,
  { imported = 0, exported = 0 }: { readonly imported?: number; readonly exported?: number },
): SummaryItem => ({
  kind: "energyInterval",
  subject: who,
  start,
  import: imported,
  export: exported,
  production: exported,
  consumption: imported,
  selfConsumption: 0,
  provenance: "counted",
});

/** Brussels (Uccle) on 6 July, as FAO-56 Example 18 gives it; 22.07 MJ/m² is the example's result for 9.25 h of sun. */
export const uccle = (who: string, farm: Partial<Record<string, number>> = {}): SummaryItem => ({
  kind: "farmDay",
  subject: who,
  day: "2026-07-06",
  latitude: 50.8,
  elevation: 100,
  windSensorHeight: 10,
  farm: {
    airTemperatureMin: 12.3,
    airTemperatureMax: 21.5,
    relativeHumidityMin: 63,
    relativeHumidityMax: 84,
    windSpeedMean: 2.778,
    solarRadiation: 22.07,
    coverage: 1,
    ...farm,
  },
});

export const item = (sequence: number, summary: SummaryItem): OutboxItem => ({
  sequence,
  offer: summary.kind === "farmDay" ? "advice" : "trading",
  purpose: "dpv:ServiceProvision",
  policyVersion: 1,
  summary,
});

export const batch = (
  items: readonly OutboxItem[],
  { completeThrough = 0, answersThrough = 0 }: { completeThrough?: number; answersThrough?: number } = {},
): BatchBody => ({ kind: "batch", items: [...items], completeThrough, answersThrough });

export interface Village extends AsyncDisposable {
  /** Of the storage. */
  readonly folder: string;
  readonly storage: Storage;
  readonly clock: ManualClock;
  readonly keys: ReadonlyMap<string, KeyPair>;
  /** What the hub cosigns with. */
  readonly witness: NoteSigner;
  readonly hubKeys: KeyPair;
  /** Lines of the log, as JSON text. */
  readonly logged: string[];
  /** Seals a batch as the gateway would, and hands it to intake. */
  tell(gateway: string, body: BatchBody): Promise<Received>;
  receive(gateway: string, bytes: Uint8Array): Promise<Received>;
  /** Hands a request to forget to intake, in the gateway's envelope. */
  ask(gateway: string, request: ErasureRequest): Promise<ErasureAnswer>;
  /** Hands a policy to intake, in the gateway's envelope. */
  decide(gateway: string, body: PolicyBody): Promise<PolicyKeptBody>;
  /** Forgets everything that was told. */
  clear(): Promise<void>;
}

const HORIZONS = { backupDays: 30, settlementDays: 3650 };

function batchOnly(received: Received | Erased | PolicyKept): Received {
  if ("receipt" in received) return received;
  throw new Error("a batch was taken for something else");
}

/** @param officers of the gateways' co-ops, as the hub file names them */
export async function openVillage(
  gateways: readonly string[],
  officers: CoopOfficers = new Map(),
): Promise<Village> {
  const folder = temporaryFolder("hub");
  await putPglite(folder.path);
  const storage = await openStorage({ kind: "pglite", dir: folder.path });
  const keys = new Map(gateways.map((id) => [id, generateKeyPair()]));
  const publicKeys = new Map([...keys].map(([id, { publicKey }]) => [id, publicKey]));
  const clock = new ManualClock(instant(MIDNIGHT));
  const logged: string[] = [];
  const log = openLog("hub", { write: (line) => void logged.push(line) });
  const hubKeys = generateKeyPair();
  const witness = witnessOf(HUB, hubKeys);
  const intake = openIntake({
    ...{ storage, clock, log, hub: HUB, keys: publicKeys },
    witness,
    erase: eraserOf({ hub: HUB, key: hubKeys.privateKey, ...HORIZONS }),
    keepPolicy: policyKeeperOf(officers),
  });
  const enrol = () =>
    keepEnrolment(
      storage,
      [...publicKeys].map(([id, key]) => ({ id, name: id, publicKey: publicKeyToText(key) })),
    );
  await enrol();
  const sealed = (gateway: string, body: Body): Buffer => {
    const key = keys.get(gateway)?.privateKey;
    if (!key) throw new Error(`${gateway} has no key`);
    return seal(body, { from: gateway, to: HUB, sent: clock.now(), key });
  };
  return {
    folder: folder.path,
    storage,
    clock,
    keys,
    witness,
    logged,
    hubKeys,
    receive: async (gateway, bytes) => batchOnly(await intake.receive(gateway, bytes)),
    tell: async (gateway, body) => batchOnly(await intake.receive(gateway, sealed(gateway, body))),
    async ask(gateway, request) {
      const received = await intake.receive(gateway, sealed(gateway, { kind: "erasure", request }));
      if ("erased" in received) return received.erased;
      throw new Error("a request to forget was taken for a batch");
    },
    async decide(gateway, body) {
      const received = await intake.receive(gateway, sealed(gateway, body));
      if ("policyKept" in received) return received.policyKept;
      throw new Error("a policy was taken for something else");
    },
    async clear() {
      logged.length = 0;
      await storage.query(
        "TRUNCATE gateway, policy, group_statistic, erasure, erasure_hold, item_erased, item_dropped, correction, log_head, log_contradiction, item, energy_interval, farm_day, clearing, clearing_share, advice, answer",
      );
      await enrol();
    },
    async [Symbol.asyncDispose]() {
      await storage[Symbol.asyncDispose]();
      folder.remove();
    },
  };
}
