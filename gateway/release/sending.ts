import type { DatabaseSync } from "node:sqlite";
import { mayPass, sendingRefusal } from "../../domain/consent/sending.ts";
import {
  instant,
  type Clock,
  type DenyReason,
  type MemberId,
  type PinnedConsent,
  type PolicySource,
  type SummaryKind,
  type VotedPolicy,
} from "../../domain/model/index.ts";
import type { OutboxItem, SummaryItem } from "../../protocol/messages.ts";
import { consentsUnder } from "./consents.ts";
import type { Drop } from "./dropped.ts";
import { recipientRefusals, type Recipient, type RecipientRefusal } from "./recipient.ts";
import { awaitsHub } from "./restored.ts";
import { waitingReleases, type Released, type Waiting } from "./released.ts";
import { windowAsked } from "./window.ts";

/**
 * Consent is decided a second time, at the moment of sending: what was released may have waited for weeks. The policy,
 * the consents and the clock are those of this moment; the bytes are those of the release, never computed again.
 */
export interface Due {
  /** May leave now, oldest first. */
  readonly items: readonly Released<OutboxItem>[];
  /** Of `items`, those that were never handed to the wire. */
  readonly untried: readonly number[];
  /** No longer may leave, ever. */
  readonly dropped: readonly Drop[];
  /** Why everything waits, where it does: nobody's choice, and it may pass. */
  readonly held?: DenyReason;
}

export interface SendingOptions {
  readonly policy: PolicySource;
  readonly clock: Clock;
  readonly hub: Recipient;
  readonly limit: number;
}

/** Looks at the oldest `limit` items that wait; it reads and decides in one go, without a pause in between. */
export function dueNow(db: DatabaseSync, { policy: source, clock, hub, limit }: SendingOptions): Due {
  const none = { items: [], untried: [], dropped: [] };
  if (awaitsHub(db)) return none;
  const waiting = waitingReleases(db, limit);
  if (waiting.length === 0) return none;
  const active = source();
  if ("because" in active) return { ...none, held: active.because };
  const refusal = recipientRefusals(db, { hub, now: clock.now() });
  const now = { policy: active.policy, clock, refusal, consents: consentsBy(db, active.policy) };
  const due = { items: [] as Released<OutboxItem>[], untried: [] as number[], dropped: [] as Drop[] };
  for (const one of waiting) {
    const because = refusalOf(one, now);
    const { sequence } = one.item;
    if (because === undefined) {
      due.items.push(one.item);
      if (!one.tried) due.untried.push(sequence);
    } else if (mayPass(because)) return { ...none, dropped: due.dropped, held: because };
    else due.dropped.push({ sequence, because });
  }
  return due;
}

/** Each member's consents are read once. */
function consentsBy(db: DatabaseSync, policy: VotedPolicy): Now["consents"] {
  const read = new Map<MemberId, readonly PinnedConsent[]>();
  return (member) => {
    const known = read.get(member) ?? consentsUnder(db, policy, member);
    read.set(member, known);
    return known;
  };
}

interface Now extends Pick<SendingOptions, "clock"> {
  readonly policy: VotedPolicy;
  readonly consents: (member: MemberId) => readonly PinnedConsent[];
  readonly refusal: RecipientRefusal;
}

function refusalOf(
  { item, members, recipient, released }: Waiting,
  { policy, clock, refusal, consents }: Now,
): DenyReason | undefined {
  const offer = policy.offers.find((one) => one.id === item.offer);
  const because = sendingRefusal(
    { now: clock.now(), clockTrusted: clock.trusted(), policy, consents: members.flatMap(consents) },
    {
      ...{ kind: kindOf(item.summary), offer: item.offer, purpose: item.purpose, recipient, members },
      // Of an offer that is gone every window is as good: it is refused.
      window: windowAsked(item.summary, offer ?? { utcOffsetMinutes: 0 }),
      released: instant(released),
    },
  );
  return because ?? (offer ? refusal(offer, item.corrects) : "recipientUnknown");
}

/** Which kind of offer it left under; a correction that says unknown is one of a quarter hour. */
function kindOf(summary: SummaryItem): SummaryKind {
  if (summary.kind === "groupStatistic") return summary.of;
  return summary.kind === "farmDay" ? "farmDay" : "energyInterval";
}
