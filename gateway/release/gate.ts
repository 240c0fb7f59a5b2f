import type { DatabaseSync } from "node:sqlite";
import { decide } from "../../domain/consent/decide.ts";
import {
  dayStart,
  type Clock,
  type Consent,
  type DenyReason,
  type MemberId,
  type Offer,
  type Policy,
  type Summary,
} from "../../domain/model/index.ts";
import type { SummaryItem } from "../../protocol/messages.ts";
import type { RecordStore } from "../record/store.ts";
import type { Passed, ReleasePass } from "./commands.ts";
import { consentsOf } from "./consents.ts";
import { progressOf } from "../record/progress.ts";
import { pseudonym } from "./pseudonym.ts";

/** Summaries decided in one transaction. */
const SUMMARIES_A_PASS = 500;

export interface Gate {
  /** Decides every summary that is not decided yet. @returns true when more wait */
  pass(): Promise<boolean>;
  /** How many summaries were denied since start, by reason. */
  readonly denials: ReadonlyMap<DenyReason, number>;
}

interface Undecided {
  readonly id: number;
  readonly summary: Summary;
}

/**
 * The consent gate: each summary meets the policy and its member's consents once. A yes writes release, egress leaf
 * and outbox together; a no is final for that summary, so that a later consent never reaches back. While the clock
 * is not trusted nothing is decided.
 */
export function createGate(options: {
  store: RecordStore;
  policy: Policy | undefined;
  clock: Clock;
  secret: Uint8Array;
  timeZone: string;
}): Gate {
  const { store, policy, clock, secret, timeZone } = options;
  const denials = new Map<DenyReason, number>();

  const decideOne = ({ id, summary }: Undecided, consents: readonly Consent[]): Passed | undefined => {
    let because: DenyReason = "noOffer";
    for (const offer of policy?.offers ?? []) {
      if (offer.kind !== summary.kind) continue;
      const request = {
        now: clock.now(),
        clockTrusted: clock.trusted(),
        policy,
        consents,
        kind: summary.kind,
      } as const;
      const { purpose, recipient } = offer;
      const decision = decide({ ...request, member: summary.member, offer: offer.id, purpose, recipient });
      if (decision.kind === "release") return passed(id, summary, offer);
      because = decision.because;
    }
    denials.set(because, (denials.get(because) ?? 0) + 1);
    return undefined;
  };

  const passed = (summaryId: number, summary: Summary, offer: Offer): Passed => {
    const time = summary.kind === "energyInterval" ? summary.start : dayStart(summary.day, timeZone);
    const subject = pseudonym(secret, summary.member, time);
    return {
      summaryId,
      member: summary.member,
      subject,
      recipient: offer.recipient,
      released: clock.now(),
      item: {
        offer: offer.id,
        purpose: offer.purpose,
        policyVersion: policy?.version ?? 0,
        summary: itemOf(summary, subject),
      },
    };
  };

  return {
    denials,
    async pass() {
      if (!clock.trusted()) return false;
      // First how far the summariser has come, then what it left: what it closes in between is for the next pass.
      const closed = progressValue(store.read, "energy");
      const undecided = undecidedSummaries(store.read);
      const through = decidedThrough(closed, undecided);
      if (undecided.length === 0 && through <= progressValue(store.read, "released")) return false;
      const consents = byMember(consentsOf(store.read));
      const pass: { passed: Passed[]; denied: number[]; completeThrough: number } = {
        passed: [],
        denied: [],
        completeThrough: through,
      };
      for (const one of undecided) {
        const yes = decideOne(one, consents.get(one.summary.member) ?? []);
        if (yes) pass.passed.push(yes);
        else pass.denied.push(one.id);
      }
      await store.run("release", pass satisfies ReleasePass);
      return undecided.length === SUMMARIES_A_PASS;
    },
  };
}

/** What leaves of a summary: its figures under a pseudonym, never the member's name or id. */
function itemOf(summary: Summary, subject: string): SummaryItem {
  if (summary.kind === "farmDay") {
    const { day, farm, latitude, elevation, windSensorHeight } = summary;
    return { kind: "farmDay", subject, day, farm: { ...farm }, latitude, elevation, windSensorHeight };
  }
  const { import: imported, export: exported, production, consumption, selfConsumption } = summary.balance;
  const { start, provenance } = summary;
  return {
    kind: "energyInterval",
    subject,
    start,
    import: imported,
    export: exported,
    production,
    consumption,
    selfConsumption,
    provenance,
  };
}

function undecidedSummaries(db: DatabaseSync): Undecided[] {
  const rows = db
    .prepare("SELECT id, summary FROM summary WHERE decided = 0 ORDER BY id LIMIT ?")
    .all(SUMMARIES_A_PASS);
  return rows.map((row) => ({ id: Number(row.id), summary: JSON.parse(String(row.summary)) as Summary }));
}

/** Everything before this is decided once `undecided` is: unless the pass is full, all that the summariser closed. */
function decidedThrough(closed: number, undecided: readonly Undecided[]): number {
  if (undecided.length < SUMMARIES_A_PASS) return closed;
  const last = undecided.at(-1)?.summary;
  return last?.kind === "energyInterval" ? last.start : 0;
}

const progressValue = (db: DatabaseSync, name: string): number => progressOf(db, name) ?? 0;

function byMember(consents: readonly Consent[]): Map<MemberId, Consent[]> {
  const map = new Map<MemberId, Consent[]>();
  for (const consent of consents) map.set(consent.member, [...(map.get(consent.member) ?? []), consent]);
  return map;
}
