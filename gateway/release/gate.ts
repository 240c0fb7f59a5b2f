import type { DatabaseSync } from "node:sqlite";
import { emptyLedger } from "../../domain/consent/budget.ts";
import { decide } from "../../domain/consent/decide.ts";
import {
  addMs,
  dayBounds,
  SLOT_MS,
  type Clock,
  type DenyReason,
  type OwnAccountOffer,
  type PinnedConsent,
  type PolicySource,
  type Span,
  type Summary,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import type { SummaryItem } from "../../protocol/messages.ts";
import type { NoteSigner } from "../../protocol/note.ts";
import type { RecordStore } from "../record/store.ts";
import type { Passed } from "./commands.ts";
import { consentsUnder } from "./consents.ts";
import { progressOf } from "../record/progress.ts";
import { awaitsHub } from "./restored.ts";
import { lastHead, signHead } from "./egress-log.ts";
import { commitmentOf } from "../../protocol/egress-leaf.ts";
import { pseudonym } from "./pseudonym.ts";
import { recipientRefusals, type Recipient, type RecipientRefusal } from "./recipient.ts";
import { lastRelease, type LastRelease } from "./released.ts";
import { windowAsked } from "./window.ts";

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
  /** The policy in force at this moment, read at each pass. */
  readonly policy: PolicySource;
  readonly clock: Clock;
  /** Behind the members' pseudonyms, and their places in the egress log. */
  readonly secret: Uint8Array;
  /** Signs the heads of the egress log, under the log's name. */
  readonly signer: NoteSigner;
  readonly timeZone: string;
  /**
   * The only one to whom anything leaves; without one nothing does. A record that was restored waits for it before
   * anything is released.
   */
  readonly hub?: Recipient | undefined;
}

/**
 * The consent gate of the own account: each summary meets the policy and its member's consents once. A yes writes
 * release, egress leaf and outbox together; a no is final for that summary, so that a later consent never reaches back.
 * While the clock is not trusted nothing is decided, and a summary whose window runs still waits for its end.
 */
export function createGate(options: GateOptions): Gate {
  const { store, clock } = options;
  const denials = new Map<DenyReason, number>();
  return {
    denials,
    async pass() {
      if (!clock.trusted() || (options.hub && awaitsHub(store.read))) return false;
      // Of a log that has just got another name, or that a crash left without one.
      if (!lastHead(store.read)) await signLog(options);
      // First how far the summariser has come, then what it left: what it closes in between is for the next pass.
      const closed = progressOf(store.read, "energy") ?? 0;
      const undecided = undecidedSummaries(store.read);
      const { passed, denied, open } = decideAll(undecided, options);
      const through = decidedThrough(closed, { undecided, open });
      const decided = passed.length + denied.length;
      if (decided === 0 && through <= (progressOf(store.read, "released") ?? 0)) return false;
      for (const { because } of denied) denials.set(because, (denials.get(because) ?? 0) + 1);
      await store.run("release", { passed, denied: denied.map(({ id }) => id), completeThrough: through });
      if (passed.length > 0) await signLog(options);
      return undecided.length === SUMMARIES_A_PASS && decided > 0;
    },
  };
}

/** A log whose newest releases lack a signed head, after a crash in between, gets one with the next release. */
export async function signLog({
  store,
  signer,
  clock,
}: Pick<GateOptions, "store" | "signer" | "clock">): Promise<void> {
  const head = signHead(store.read, signer);
  if (head) await store.run("saveHead", { ...head, signed: clock.now() });
}

interface Denied {
  readonly id: number;
  readonly because: DenyReason;
}

interface Outcomes {
  readonly passed: readonly Passed[];
  readonly denied: readonly Denied[];
  /** Their windows have not ended yet. */
  readonly open: readonly Undecided[];
}

function decideAll(undecided: readonly Undecided[], options: GateOptions): Outcomes {
  if (undecided.length === 0) return { passed: [], denied: [], open: [] };
  const active = options.policy();
  if ("because" in active)
    return { passed: [], denied: undecided.map(({ id }) => ({ id, because: active.because })), open: [] };
  const { policy } = active;
  const consents = Map.groupBy(consentsUnder(options.store.read, policy), (consent) => consent.member);
  const { hub, store, clock } = options;
  const refusal = recipientRefusals(store.read, { hub, now: clock.now() });
  const [passed, denied, open] = [[] as Passed[], [] as Denied[], [] as Undecided[]];
  for (const one of undecided) {
    const own = consents.get(one.summary.member) ?? [];
    const outcome = decideOne(one, { clock, policy, consents: own, refusal });
    if (!("because" in outcome)) passed.push(passage(one, outcome, { ...options, policy }));
    else if (outcome.because === "windowOpen") open.push(one);
    else denied.push({ id: one.id, because: outcome.because });
  }
  return { passed, denied, open };
}

/** What the gate says now of a summary that has not left before: the offer under which it may, or why it may not. */
export function decideNow(
  summary: Summary,
  { policy: active, store, clock, hub }: Pick<GateOptions, "policy" | "clock" | "hub"> & ReadStore,
): OwnAccountOffer | { readonly because: DenyReason } {
  const found = active();
  if ("because" in found) return { because: found.because };
  const { policy } = found;
  const consents = consentsUnder(store.read, policy).filter(({ member }) => member === summary.member);
  const refusal = recipientRefusals(store.read, { hub, now: clock.now() });
  return decideOne({ summary }, { clock, policy, consents, refusal });
}

interface ReadStore {
  readonly store: Pick<RecordStore, "read">;
}

interface Deciding extends Pick<GateOptions, "clock"> {
  readonly policy: VotedPolicy;
  /** Of the summary's member. */
  readonly consents: readonly PinnedConsent[];
  readonly refusal: RecipientRefusal;
}

/**
 * The first offer of the policy under which this summary may leave, or why there is none. A correction leaves under
 * the offer of what it corrects, or not at all.
 */
function decideOne(
  { summary, left }: Pick<Undecided, "summary" | "left">,
  { policy, consents, clock, refusal }: Deciding,
): OwnAccountOffer | { because: DenyReason } {
  let because: DenyReason = "noOffer";
  for (const offer of policy.offers) {
    if (offer.lane !== "ownAccount" || offer.kind !== summary.kind) continue;
    if (left && left.offer !== offer.id) continue;
    const decision = decide({
      ...{ now: clock.now(), clockTrusted: clock.trusted(), policy, consents },
      ...{ ledger: emptyLedger, guard: "nothing" },
      // The own account is no sum: whether it may leave is asked, and what leaves is the summary itself.
      request: {
        ...{ offer: offer.id, window: windowAsked(summary, offer) },
        members: [{ id: summary.member, value: 0 }],
      },
    });
    const refused = decision.kind === "deny" ? decision.because : refusal(offer, left?.sequence);
    if (refused === undefined) return offer;
    because = refused;
  }
  return { because };
}

function passage(
  { id, summary, left }: Undecided,
  offer: OwnAccountOffer,
  { clock, policy, secret, timeZone }: Omit<GateOptions, "policy"> & { readonly policy: VotedPolicy },
): Passed {
  const window = windowOf(summary, timeZone);
  const subject = pseudonym(secret, summary.member, window.from);
  return {
    summaryId: id,
    member: summary.member,
    subject,
    recipient: offer.recipient,
    released: clock.now(),
    item: {
      offer: offer.id,
      purpose: offer.purpose,
      policyVersion: policy.version,
      retentionDays: offer.retentionDays,
      summary: itemOf(summary, subject),
      ...(left && { version: left.version + 1, corrects: left.sequence }),
    },
    leaf: {
      ...{ version: 1, offer: offer.id, window, policy: policy.hash, recipient: offer.recipient },
      members: [commitmentOf(secret, summary.member, id).hash],
    },
  };
}

function windowOf(summary: Summary, timeZone: string): Span {
  if (summary.kind === "energyInterval") return { from: summary.start, to: addMs(summary.start, SLOT_MS) };
  const { start, end } = dayBounds(summary.day, timeZone);
  return { from: start, to: end };
}

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

/**
 * Everything before this is decided once `undecided` is: unless the pass is full, all that the summariser closed, but
 * for what waits for the end of its window.
 */
function decidedThrough(
  closed: number,
  { undecided, open }: { readonly undecided: readonly Undecided[]; readonly open: readonly Undecided[] },
): number {
  const starts = open.flatMap(({ summary }) => (summary.kind === "energyInterval" ? [summary.start] : []));
  if (undecided.length < SUMMARIES_A_PASS) return Math.min(closed, ...starts);
  const last = undecided.at(-1)?.summary;
  return last?.kind === "energyInterval" ? Math.min(last.start, ...starts) : 0;
}
