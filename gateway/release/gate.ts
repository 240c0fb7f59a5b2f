import type { DatabaseSync } from "node:sqlite";
import { decideSummary } from "../../domain/consent/summary-gate.ts";
import {
  addMs,
  dayBounds,
  SLOT_MS,
  type Clock,
  type Consent,
  type DenyReason,
  type Instant,
  type Offer,
  type Policy,
  type Summary,
} from "../../domain/model/index.ts";
import { canonicalJson } from "../../protocol/canonical.ts";
import { sha256Hex } from "../../protocol/keys.ts";
import type { SummaryItem } from "../../protocol/messages.ts";
import type { NoteSigner } from "../../protocol/note.ts";
import type { RecordStore } from "../record/store.ts";
import type { Passed } from "./commands.ts";
import { consentsOf } from "./consents.ts";
import { progressOf } from "../record/progress.ts";
import { awaitsHub } from "./restored.ts";
import { lastHead, signHead } from "./egress-log.ts";
import { commitmentOf } from "../../protocol/egress-leaf.ts";
import { pseudonym } from "./pseudonym.ts";
import { lastRelease, type LastRelease } from "./released.ts";

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
  /** The release that this one would correct: the summary's last. */
  readonly left?: LastRelease;
}

export interface GateOptions {
  readonly store: RecordStore;
  readonly policy: Policy | undefined;
  readonly clock: Clock;
  /** Behind the members' pseudonyms, and their places in the egress log. */
  readonly secret: Uint8Array;
  /** Signs the heads of the egress log, under the log's name. */
  readonly signer: NoteSigner;
  readonly timeZone: string;
  /** A record that was restored waits for the site's hub before anything is released. */
  readonly hasHub?: boolean;
}

/**
 * The consent gate: each summary meets the policy and its member's consents once. A yes writes release, egress leaf
 * and outbox together; a no is final for that summary, so that a later consent never reaches back. While the clock
 * is not trusted nothing is decided.
 */
export function createGate(options: GateOptions): Gate {
  const { store, clock } = options;
  const denials = new Map<DenyReason, number>();
  return {
    denials,
    async pass() {
      if (!clock.trusted() || (options.hasHub && awaitsHub(store.read))) return false;
      // Of a log that has just got another name, or that a crash left without one.
      if (!lastHead(store.read)) await signLog(options);
      // First how far the summariser has come, then what it left: what it closes in between is for the next pass.
      const closed = progressOf(store.read, "energy") ?? 0;
      const undecided = undecidedSummaries(store.read);
      const through = decidedThrough(closed, undecided);
      if (undecided.length === 0 && through <= (progressOf(store.read, "released") ?? 0)) return false;
      const { passed, denied } = decideAll(undecided, options);
      for (const { because } of denied) denials.set(because, (denials.get(because) ?? 0) + 1);
      await store.run("release", { passed, denied: denied.map(({ id }) => id), completeThrough: through });
      if (passed.length > 0) await signLog(options);
      return undecided.length === SUMMARIES_A_PASS;
    },
  };
}

/** A log whose newest releases lack a signed head, after a crash in between, gets one with the next release. */
async function signLog({ store, signer, clock }: GateOptions): Promise<void> {
  const head = signHead(store.read, signer);
  if (head) await store.run("saveHead", { ...head, signed: clock.now() });
}

interface Denied {
  readonly id: number;
  readonly because: DenyReason;
}

function decideAll(
  undecided: readonly Undecided[],
  options: GateOptions,
): { passed: Passed[]; denied: Denied[] } {
  const consents = Map.groupBy(consentsOf(options.store.read), (consent) => consent.member);
  const passed: Passed[] = [];
  const denied: Denied[] = [];
  for (const one of undecided) {
    const outcome = decideOne(one, consents.get(one.summary.member) ?? [], options);
    if ("because" in outcome) denied.push({ id: one.id, because: outcome.because });
    else passed.push(passage(one, outcome, options));
  }
  return { passed, denied };
}

/**
 * The first offer of the policy under which this summary may leave, or why there is none. A correction leaves under
 * the offer of what it corrects, or not at all.
 */
function decideOne(
  { summary, left }: Undecided,
  consents: readonly Consent[],
  { policy, clock }: GateOptions,
): Offer | { because: DenyReason } {
  let because: DenyReason = policy ? "noOffer" : "noPolicy";
  for (const offer of policy?.offers ?? []) {
    if (offer.kind !== summary.kind || (left && left.offer !== offer.id)) continue;
    const { purpose, recipient } = offer;
    const decision = decideSummary({
      now: clock.now(),
      clockTrusted: clock.trusted(),
      policy,
      consents,
      member: summary.member,
      kind: summary.kind,
      offer: offer.id,
      purpose,
      recipient,
    });
    if (decision.kind === "release") return offer;
    because = decision.because;
  }
  return { because };
}

function passage(
  { id, summary, left }: Undecided,
  offer: Offer,
  { clock, policy, secret, timeZone }: GateOptions,
): Passed {
  const window = windowOf(summary, timeZone);
  const subject = pseudonym(secret, summary.member, window.start);
  return {
    summaryId: id,
    member: summary.member,
    subject,
    recipient: offer.recipient,
    released: clock.now(),
    item: {
      offer: offer.id,
      purpose: offer.purpose,
      policyVersion: policy?.version ?? 0,
      summary: itemOf(summary, subject),
      ...(left && { version: left.version + 1, corrects: left.sequence }),
    },
    leaf: {
      version: 1,
      offer: offer.id,
      window: { from: window.start, to: window.end },
      policy: policy === undefined ? "" : sha256Hex(canonicalJson(policy)),
      recipient: offer.recipient,
      members: [commitmentOf(secret, summary.member, id).hash],
    },
  };
}

const windowOf = (summary: Summary, timeZone: string): { start: Instant; end: Instant } =>
  summary.kind === "energyInterval"
    ? { start: summary.start, end: addMs(summary.start, SLOT_MS) }
    : dayBounds(summary.day, timeZone);

/** What leaves of a summary: its figures under a pseudonym, never the member's name or id. */
export function itemOf(summary: Summary, subject: string): SummaryItem {
  if (summary.kind === "farmDay") {
    const { day, farm, latitude, elevation, windSensorHeight } = summary;
    return { kind: "farmDay", subject, day, farm: { ...farm }, latitude, elevation, windSensorHeight };
  }
  const { start, provenance, balance } = summary;
  if (summary.unknown) return { kind: "energyUnknown", subject, start };
  const { import: imported, export: exported, production, consumption, selfConsumption } = balance;
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
  return rows.map((row) => {
    const [id, left] = [Number(row.id), lastRelease(db, Number(row.id))];
    return { id, summary: JSON.parse(String(row.summary)) as Summary, ...(left && { left }) };
  });
}

/** Everything before this is decided once `undecided` is: unless the pass is full, all that the summariser closed. */
function decidedThrough(closed: number, undecided: readonly Undecided[]): number {
  if (undecided.length < SUMMARIES_A_PASS) return closed;
  const last = undecided.at(-1)?.summary;
  return last?.kind === "energyInterval" ? last.start : 0;
}
